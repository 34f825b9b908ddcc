"""`kubectl churn`: ChurnModels from the command line. It knows the cluster, S3 and served models, not the operator."""
