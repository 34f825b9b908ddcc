"""From what a person uploads to churn or no churn, with probability, profit, and the version that answered."""
