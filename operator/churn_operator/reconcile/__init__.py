"""The loop: observe, decide, act, one status write, events, metrics."""
