"""How long a person waits for `kubectl churn` to begin."""
