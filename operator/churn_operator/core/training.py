"""The names and numbers of a training: key, run name, output, parameters, back-off."""

from __future__ import annotations

import json
from datetime import timedelta

from churn_operator.api.v1alpha1 import ChurnModelSpec
from churn_operator.api.v1alpha1.common import ResourceList
from churn_operator.api.v1alpha1.status import ChampionStatus, TrainingStatus
from churn_operator.core.actions import SubmitRun
from churn_operator.core.fingerprint import digest_of
from churn_operator.core.observation import DatasetLocation, Installation, ObjectKey, PipelinesTarget

BACK_OFF_FIRST = timedelta(seconds=10)
BACK_OFF_MOST = timedelta(minutes=10)


def training_key(key: ObjectKey, spec_fingerprint: str, dataset_digest: str, code_version: str) -> str:
    """sha256 hex: same key, same model. The object's own name is in it, because run names are shared by
    all ChurnModels of one KFP namespace."""
    return digest_of([key.namespace, key.name, spec_fingerprint, dataset_digest, code_version])


def run_name(key: ObjectKey, training: str, attempt: int) -> str:
    """Display name of the run, the same whenever it is asked for."""
    return f"{key.name}-{training[:10]}-{attempt}"


def output_uri(installation: Installation, key: ObjectKey, training: str, attempt: int) -> str:
    """Where the attempt's artifacts go. An attempt has a folder of its own, so that one which was given up
    but still runs cannot write into its successor's."""
    return f"{model_root(installation, key)}{training[:16]}/{attempt}"


def model_root(installation: Installation, key: ObjectKey) -> str:
    """The folder of all artifacts of a ChurnModel, with a slash at its end."""
    return f"{installation.artifact_root.rstrip('/')}/{key.namespace}/{key.name}/"


def back_off(failures: int) -> timedelta:
    """Pause after so many failures: doubling from 10 s up to 10 min."""
    doublings = min(failures - 1, 20)
    return min(BACK_OFF_FIRST * (1 << doublings), BACK_OFF_MOST)


def pipelines_target(spec: ChurnModelSpec, installation: Installation, key: ObjectKey) -> PipelinesTarget:
    """The KFP installation of a ChurnModel: its own wishes over the operator's defaults."""
    wish, default = spec.training.pipelines, installation.pipelines
    return PipelinesTarget(
        endpoint=wish.endpoint or default.endpoint,
        namespace=wish.namespace or default.namespace,
        experiment=wish.experiment or f"{key.namespace}-{key.name}",
        service_account_name=wish.service_account_name or default.service_account_name,
        token_path=wish.token_path or default.token_path,
    )


def dataset_location(spec: ChurnModelSpec, installation: Installation, key: ObjectKey) -> DatasetLocation:
    """Where the dataset is."""
    return DatasetLocation(
        uri=spec.dataset.uri,
        endpoint=spec.dataset.endpoint or installation.s3_endpoint,
        namespace=key.namespace,
        secret_name=spec.dataset.secret_ref.name if spec.dataset.secret_ref else None,
    )


def submission(spec: ChurnModelSpec, installation: Installation, key: ObjectKey, training: TrainingStatus) -> SubmitRun:
    """The run of an attempt."""
    dataset = spec.dataset
    columns = [column.model_dump(mode="json", by_alias=False) for column in dataset.columns]
    return SubmitRun(
        target=pipelines_target(spec, installation, key),
        run_name=training.run_name,
        parameters={
            "dataset_uri": dataset.uri,
            "dataset_digest": training.dataset_digest,
            "dataset_format": dataset.format.value,
            "s3_endpoint": dataset.endpoint or installation.s3_endpoint,
            "output_uri": training.output_uri,
            "key": training.key,
            "target": dataset.target,
            "id_column": dataset.id_column,
            "positive_label": dataset.positive_label,
            "columns": json.dumps(columns) if columns else "",
            "algorithm": spec.training.algorithm.value,
            "hyperparameters": json.dumps(spec.training.hyperparameters, sort_keys=True),
            "seed": spec.training.seed,
            **_champion(training.champion),
        },
        image=spec.training.image or installation.trainer_image,
        requests=quantities(spec.training.resources.requests),
        limits=quantities(spec.training.resources.limits),
        secret_name=dataset.secret_ref.name if dataset.secret_ref else installation.pipelines_secret,
    )


def _champion(champion: ChampionStatus | None) -> dict[str, str]:
    """What the run needs to compare its model with the champion; empty texts where there is none."""
    return {
        "champion_uri": champion.model_uri if champion else "",
        "champion_sha256": champion.sha256 if champion else "",
        "champion_version": str(champion.version) if champion else "",
        "champion_confidence": f"{champion.confidence:g}" if champion else "",
    }


def quantities(resources: ResourceList) -> tuple[tuple[str, str], ...]:
    """Sorted (resource, quantity) pairs."""
    return tuple(sorted((name, amount) for name, amount in resources.model_dump().items() if amount))
