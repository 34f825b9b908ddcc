"""A double of KServe's data plane: InferenceServices become processes, and Envoy splits their traffic."""

from churn_devcluster.dataplane.child import DataPlane

__all__ = ["DataPlane"]
