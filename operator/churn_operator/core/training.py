"""The names and numbers of a training: key, run name, output, parameters, back-off."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from churn_operator.api.v1alpha1 import ChurnModelSpec
from churn_operator.api.v1alpha1.common import ResourceList
from churn_operator.api.v1alpha1.status import ChampionStatus, TrainingStatus
from churn_operator.core.actions import PackageReference, SubmitRun
from churn_operator.core.fingerprint import digest_of
from churn_operator.core.observation import Installation, ObjectKey, ObjectLocation, PipelinesTarget

BACK_OFF_FIRST = timedelta(seconds=10)
BACK_OFF_MOST = timedelta(minutes=10)


def training_key(key: ObjectKey, spec_fingerprint: str, dataset_digest: str, code_version: str) -> str:
    """sha256 hex: same key, same model. The object's own name is in it, because run names are shared by
    all ChurnModels of one KFP namespace. `code_version` is the built-in pipeline's, or the digest of the user's own
    package."""
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


def dataset_location(spec: ChurnModelSpec, installation: Installation, key: ObjectKey) -> ObjectLocation:
    """Where the dataset is."""
    return ObjectLocation(
        uri=spec.dataset.uri,
        endpoint=spec.dataset.endpoint or installation.s3_endpoint,
        namespace=key.namespace,
        secret_name=spec.dataset.secret_ref.name if spec.dataset.secret_ref else None,
    )


def package_location(spec: ChurnModelSpec, installation: Installation, key: ObjectKey) -> ObjectLocation | None:
    """Where the package of the user's own pipeline is, opened like the dataset; None for the built-in pipeline."""
    pipeline = spec.training.pipeline
    return replace(dataset_location(spec, installation, key), uri=pipeline.uri) if pipeline is not None else None


def submission(
    spec: ChurnModelSpec, installation: Installation, key: ObjectKey, training: TrainingStatus, package: str | None
) -> SubmitRun:
    """The run of an attempt; `package` is the digest of the user's own package, None for the built-in pipeline."""
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
        image=trainer_image(spec, installation) or None,
        requests=quantities(spec.training.resources.requests),
        limits=quantities(spec.training.resources.limits),
        secret_name=dataset.secret_ref.name if dataset.secret_ref else installation.pipelines_secret,
        package=_reference(package_location(spec, installation, key), package),
    )


def trainer_image(spec: ChurnModelSpec, installation: Installation) -> str:
    """The image of every step; empty where the steps of the user's own pipeline keep theirs."""
    return spec.training.image or ("" if spec.training.pipeline else installation.trainer_image)


def _reference(location: ObjectLocation | None, digest: str | None) -> PackageReference | None:
    if location is None:
        return None
    if digest is None:
        raise AssertionError("a key of one's own pipeline is made with its digest")
    return PackageReference(location, digest)


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
