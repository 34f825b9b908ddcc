"""The fingerprint of a spec: what of it makes the model."""

from __future__ import annotations

import hashlib
import json

from churn_operator.api.v1alpha1 import ChurnModelSpec

_DATASET = {"uri", "format", "target", "id_column", "positive_label", "columns", "endpoint"}
_TRAINING = {"algorithm", "hyperparameters", "seed", "image", "pipeline"}


def digest_of(content: object) -> str:
    """sha256 hex of the canonical JSON of a value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def fingerprint(spec: ChurnModelSpec) -> str:
    """sha256 hex of the part of spec that makes the model; rollout, serving and resources are not in it."""
    return digest_of(spec.model_dump(mode="json", include={"dataset": _DATASET, "training": _TRAINING}))


def fingerprint_for_key(spec: ChurnModelSpec) -> str:
    """The fingerprint as it goes into the training key: without the name of the user's own pipeline, for which the
    digest of its content is in the key."""
    training = spec.training.model_copy(update={"pipeline": None})
    return fingerprint(spec.model_copy(update={"training": training}))
