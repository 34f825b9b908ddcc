"""Benchmarks: the targets of the design, measured. See README.md."""
