"""The KServe model server of churn models: a verified artifact, validated rows, scored answers."""
