"""Writes the reference pages of docs/ from the code: `python -m documentation`, or with --check compares them."""
