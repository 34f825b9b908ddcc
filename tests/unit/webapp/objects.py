"""ChurnModels as the API server gives them."""

from __future__ import annotations

from typing import Any

CREATED = "2026-11-26T12:00:00Z"


def version(number: int, state: str, **fields: Any) -> dict[str, Any]:
    """An entry of status.versions."""
    return {
        "number": number,
        "state": state,
        "outputUri": f"s3://mlops/churn/churn/model/{number}",
        "metrics": {"rocAuc": 0.84 + number / 1000, "brier": 0.136},
        "created": CREATED,
        **fields,
    }


def churn_model(
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Version 1 in service, unless status says otherwise."""
    return {
        "metadata": {
            "name": "model",
            "namespace": "churn",
            "creationTimestamp": CREATED,
            "annotations": annotations or {},
        },
        "spec": {"dataset": {"uri": "s3://mlops-data/customers.csv"}, **(spec or {})},
        "status": {
            "phase": "Serving",
            "versions": [version(1, "Stable", promoted=CREATED)],
            "latestVersion": 1,
            "rollout": {"stable": 1},
            "traffic": "v1 100%",
            "url": "http://model.churn.example.com",
            **(status or {}),
        },
    }


def canary(**rollout: Any) -> dict[str, Any]:
    """Version 2 on its way, at the first of three steps, of which the first asks for approval."""
    steps = [{"weight": 10, "bake": "1m", "approval": True}, {"weight": 50, "bake": "1m"}, {"weight": 100}]
    return churn_model(
        spec={"rollout": {"steps": steps}},
        status={
            "phase": "RollingOut",
            "versions": [version(1, "Stable", promoted=CREATED), version(2, "Candidate")],
            "latestVersion": 2,
            "rollout": {"stable": 1, "candidate": 2, "step": 0, "weight": 10, **rollout},
            "traffic": "v1 90%, v2 10%",
        },
    )
