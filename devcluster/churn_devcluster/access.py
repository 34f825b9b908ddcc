"""Kubernetes objects that open the S3 store to the operator, to runs and to KServe."""

from __future__ import annotations

from typing import Any

from churn_devcluster.object_store import S3Settings

SECRET_NAME = "s3-credentials"


def s3_access(
    settings: S3Settings, namespace: str, service_account: str, secret: str = SECRET_NAME
) -> list[dict[str, Any]]:
    """A Secret with the credentials and KServe's annotations, and a ServiceAccount that has it."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret,
                "namespace": namespace,
                "annotations": {
                    "serving.kserve.io/s3-endpoint": settings.address,
                    "serving.kserve.io/s3-usehttps": "0",
                    "serving.kserve.io/s3-region": "us-east-1",
                },
            },
            "type": "Opaque",
            "stringData": settings.environment,
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": service_account, "namespace": namespace},
            "secrets": [{"name": secret}],
        },
    ]
