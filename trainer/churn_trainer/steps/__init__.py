"""The five steps of a run, a module each, so that a step loads only what it needs.

Each reads files, writes files, and refuses unfit input with a report that says why.
"""
