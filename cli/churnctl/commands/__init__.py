"""The subcommands. These modules import nothing but click and the standard library: see churnctl.application."""
