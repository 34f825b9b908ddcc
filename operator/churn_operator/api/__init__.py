"""The API of churnops.dev: what a person writes and what the operator answers."""
