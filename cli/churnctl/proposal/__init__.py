"""Proposing a ChurnModel from a table of customers: its columns, a data contract, and a gate."""
