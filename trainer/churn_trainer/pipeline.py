"""The training pipeline for Kubeflow Pipelines: five lightweight components around `churn_trainer.steps`.

The components' bodies are embedded in the compiled package, so they import what they need themselves.
"""

from pathlib import Path

from kfp import compiler, dsl
from kfp.dsl import Artifact, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from churn_trainer import CODE_VERSION

PIPELINE_NAME = "churn-training"
DESCRIPTION = f"Trains, evaluates and publishes a customer-churn model; training code {CODE_VERSION}."
"""Names the code, so that a package with other code is another package: its digest is part of the training key."""
BASE_IMAGE = "ghcr.io/churnops/churn-trainer:python"
"""Image of every step; the operator puts the image of the ChurnModel in its place when it submits."""


@dsl.component(base_image=BASE_IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def validate(
    dataset_uri: str,
    dataset_digest: str,
    dataset_format: str,
    s3_endpoint: str,
    output_uri: str,
    key: str,
    target: str,
    id_column: str,
    positive_label: str,
    columns: str,
    algorithm: str,
    hyperparameters: str,
    seed: int,
    champion_uri: str,
    champion_sha256: str,
    champion_version: str,
    champion_confidence: str,
    validated: Output[Dataset],
) -> None:
    from pathlib import Path

    from churn_trainer.folders import ValidatedFolder
    from churn_trainer.request import RunRequest
    from churn_trainer.steps import validate as validate_step

    request = RunRequest(
        dataset_uri=dataset_uri,
        dataset_digest=dataset_digest,
        dataset_format=dataset_format,
        s3_endpoint=s3_endpoint,
        output_uri=output_uri,
        key=key,
        target=target,
        id_column=id_column,
        positive_label=positive_label,
        columns=columns,
        algorithm=algorithm,
        hyperparameters=hyperparameters,
        seed=seed,
        champion_uri=champion_uri,
        champion_sha256=champion_sha256,
        champion_version=champion_version,
        champion_confidence=champion_confidence,
    )
    validate_step.validate(request, ValidatedFolder(Path(validated.path)))


@dsl.component(base_image=BASE_IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def preprocess(validated: Input[Dataset], prepared: Output[Dataset]) -> None:
    from pathlib import Path

    from churn_trainer.folders import PreparedFolder, ValidatedFolder
    from churn_trainer.steps import preprocess as preprocess_step

    preprocess_step.preprocess(ValidatedFolder(Path(validated.path)), PreparedFolder(Path(prepared.path)))


@dsl.component(base_image=BASE_IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def train(validated: Input[Dataset], prepared: Input[Dataset], model: Output[Model]) -> None:
    from pathlib import Path

    from churn_trainer.folders import ModelFolder, PreparedFolder, ValidatedFolder
    from churn_trainer.steps import train as train_step

    fitted = ModelFolder(Path(model.path))
    train_step.train(ValidatedFolder(Path(validated.path)), PreparedFolder(Path(prepared.path)), fitted)
    model.metadata["framework"] = "scikit-learn"
    model.metadata["algorithm"] = fitted.training.algorithm


@dsl.component(base_image=BASE_IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def evaluate(
    validated: Input[Dataset],
    prepared: Input[Dataset],
    model: Input[Model],
    evaluated: Output[Artifact],
    metrics: Output[Metrics],
    comparison: Output[Metrics],
    classification: Output[ClassificationMetrics],
) -> None:
    from pathlib import Path

    from churn_trainer.folders import EvaluatedFolder, ModelFolder, PreparedFolder, ValidatedFolder
    from churn_trainer.steps import evaluate as evaluate_step

    table = ValidatedFolder(Path(validated.path))
    evaluation = evaluate_step.evaluate(
        table, PreparedFolder(Path(prepared.path)), ModelFolder(Path(model.path)), EvaluatedFolder(Path(evaluated.path))
    )
    for name, value in evaluation.metrics.items():
        metrics.log_metric(name, value)
    for name, entry in evaluate_step.shown_comparison(evaluation.comparison).items():
        comparison.metadata[name] = entry
    roc, confusion = evaluation.roc, evaluation.confusion
    classification.log_roc_curve(list(roc.x), list(roc.y), list(roc.thresholds))
    classification.log_confusion_matrix(
        [table.contract.negative_label, table.contract.positive_label],
        [
            [confusion.true_negatives, confusion.false_positives],
            [confusion.false_negatives, confusion.true_positives],
        ],
    )


@dsl.component(base_image=BASE_IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def publish(validated: Input[Dataset], model: Input[Model], evaluated: Input[Artifact]) -> None:
    from pathlib import Path

    from churn_trainer.folders import EvaluatedFolder, ModelFolder, ValidatedFolder
    from churn_trainer.steps import publish as publish_step

    publish_step.publish(
        ValidatedFolder(Path(validated.path)), ModelFolder(Path(model.path)), EvaluatedFolder(Path(evaluated.path))
    )


@dsl.pipeline(name=PIPELINE_NAME, description=DESCRIPTION)  # type: ignore[untyped-decorator]
def churn_training(
    dataset_uri: str,
    output_uri: str,
    dataset_digest: str = "",
    dataset_format: str = "auto",
    s3_endpoint: str = "",
    key: str = "",
    target: str = "Churn",
    id_column: str = "customerID",
    positive_label: str = "Yes",
    columns: str = "",
    algorithm: str = "auto",
    hyperparameters: str = "{}",
    seed: int = 7,
    champion_uri: str = "",
    champion_sha256: str = "",
    champion_version: str = "",
    champion_confidence: str = "",
) -> None:
    """The parameters are those of `churn_trainer.request.RunRequest`."""
    validated = validate(
        dataset_uri=dataset_uri,
        dataset_digest=dataset_digest,
        dataset_format=dataset_format,
        s3_endpoint=s3_endpoint,
        output_uri=output_uri,
        key=key,
        target=target,
        id_column=id_column,
        positive_label=positive_label,
        columns=columns,
        algorithm=algorithm,
        hyperparameters=hyperparameters,
        seed=seed,
        champion_uri=champion_uri,
        champion_sha256=champion_sha256,
        champion_version=champion_version,
        champion_confidence=champion_confidence,
    )
    table = validated.outputs["validated"]
    prepared = preprocess(validated=table)
    model = train(validated=table, prepared=prepared.outputs["prepared"])
    evaluated = evaluate(validated=table, prepared=prepared.outputs["prepared"], model=model.outputs["model"])
    published = publish(validated=table, model=model.outputs["model"], evaluated=evaluated.outputs["evaluated"])
    for task in (validated, prepared, model, evaluated, published):
        # The operator decides what is worth running; an answer from a cache would leave no artifacts at the output URI.
        task.set_caching_options(False)


def compile_pipeline(path: Path) -> None:
    """Writes the compiled package to `path`: the same bytes every time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(churn_training, str(path))
