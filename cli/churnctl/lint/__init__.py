"""Checking manifests offline by the rules that the API server would apply, and in its words."""
