"""Trains, evaluates and publishes a churn model from a customer table."""

CODE_VERSION = "1.0.0"
"""Semantic version of the training code; bumped whenever the same data would give another model."""
