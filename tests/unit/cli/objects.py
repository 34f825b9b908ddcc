"""ChurnModels as the API server hands them over."""

from __future__ import annotations

from typing import Any

from churn_operator.api.reading import write_status
from churn_operator.api.v1alpha1 import ChurnModelSpec
from churnctl.view import ChurnModel, read

from tests.unit.api.statuses import FULL
from tests.unit.core.world import World

SPEC = {"dataset": {"uri": "s3://data/customers.csv"}}


def item_of(world: World) -> dict[str, Any]:
    """The object in this world."""
    assert isinstance(world.spec, ChurnModelSpec)
    return {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {
            "name": "churn",
            "namespace": "team",
            "resourceVersion": str(world.resource_version),
            "annotations": dict(world.annotations),
        },
        "spec": world.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": dict(world.status or {}),
    }


def full(**spec: Any) -> dict[str, Any]:
    """An object with every field of status set."""
    metadata = {"name": "churn", "namespace": "team", "resourceVersion": "7"}
    return {"metadata": metadata, "spec": {**SPEC, **spec}, "status": write_status(FULL)}


def model_of(world: World) -> ChurnModel:
    """What the command line sees of this world."""
    return read(item_of(world))
