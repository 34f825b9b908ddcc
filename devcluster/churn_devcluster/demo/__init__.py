"""`make demo`: the whole story of a churn model on one machine, with real requests all along."""
