"""Benchmark of the canary analysis by simulated rollouts."""
