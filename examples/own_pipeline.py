"""A training pipeline of your own, for examples/own-pipeline.yaml. It compiles itself:

python examples/own_pipeline.py churn.yaml
"""

import sys

from kfp import compiler, dsl


@dsl.component(base_image="ghcr.io/churnops/churn-trainer:0.1.0", install_kfp_package=False)
def train(
    dataset_uri: str, dataset_digest: str, s3_endpoint: str, output_uri: str, key: str, hyperparameters: str, seed: int
) -> None:
    """Fits a model on one CSV file of Telco customers, and writes what the operator and the model server read."""
    import csv
    import hashlib
    import io
    import json
    from datetime import UTC, datetime
    from urllib.parse import urlsplit

    import joblib
    import numpy as np
    from churn_report import (
        Artifact,
        ArtifactLayout,
        ColumnKind,
        DataContract,
        DatasetSummary,
        Failure,
        Outcome,
        Report,
    )
    from churn_report.telco import TELCO_COLUMNS
    from minio import Minio
    from minio.credentials.providers import EnvAWSProvider
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import brier_score_loss, roc_auc_score
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    layout, code_version = ArtifactLayout(output_uri), "my-pipeline-1"
    s3 = urlsplit(s3_endpoint)
    store = Minio(s3.netloc, secure=s3.scheme == "https", credentials=EnvAWSProvider(), region="us-east-1")

    def put(uri: str, content: bytes) -> Artifact:
        bucket, _, path = uri.removeprefix("s3://").partition("/")
        store.put_object(bucket, path, io.BytesIO(content), len(content))
        digest = hashlib.sha256(content).hexdigest()
        return Artifact(path=uri.removeprefix(f"{output_uri}/"), sha256=digest, size_bytes=len(content))

    def refuse(reason: str, message: str) -> None:
        """The operator shows the sentence and does not try this key again."""
        failure = Failure(step="train", reason=reason, message=message)
        report = Report(
            outcome=Outcome.REJECTED, failure=failure, key=key, created=datetime.now(UTC), code_version=code_version
        )
        put(layout.report, report.model_dump_json().encode())
        sys.exit(message)

    # The data: rows in the order of the contract, as the model server will hand them over.
    contract = DataContract(
        columns=TELCO_COLUMNS, target="Churn", positive_label="Yes", negative_label="No", id_column="customerID"
    )
    bucket, _, path = dataset_uri.removeprefix("s3://").partition("/")
    customers = list(csv.DictReader(io.StringIO(store.get_object(bucket, path).read().decode())))
    missing = {"customerID", "Churn", *contract.names} - set(customers[0] if customers else ())
    if missing:
        refuse("MissingColumn", f"{dataset_uri} lacks {', '.join(sorted(missing))}")
    numbers = [column.kind is ColumnKind.NUMBER for column in contract.columns]
    rows = np.empty((len(customers), len(numbers)), dtype=object)
    for place, column in enumerate(contract.columns):
        for line, customer in enumerate(customers):
            value = customer[column.name].strip()
            rows[line, place] = (float(value) if value else np.nan) if numbers[place] else value
    churned = np.array([customer["Churn"] == "Yes" for customer in customers])
    learn, hold = train_test_split(np.arange(len(rows)), test_size=0.2, stratify=churned, random_state=seed)

    # The model: one scikit-learn Pipeline that takes such rows.
    categories = [list(column.categories) for column in contract.columns if column.kind is ColumnKind.CATEGORY]
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(categories=categories), [place for place, number in enumerate(numbers) if not number]),
            (
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                [place for place, number in enumerate(numbers) if number],
            ),
        ),
        LogisticRegression(max_iter=1000, **json.loads(hyperparameters)),
    ).fit(rows[learn], churned[learn])
    scores = model.predict_proba(rows[hold])[:, 1]

    # The artifacts, and last the report that vouches for them.
    dumped = io.BytesIO()
    joblib.dump(model, dumped)
    artifacts = (
        put(layout.model, dumped.getvalue()),
        put(layout.contract, contract.model_dump_json().encode()),
    )
    held_out = "\n".join(sorted(customers[line]["customerID"] for line in hold))
    report = Report(
        outcome=Outcome.SUCCEEDED,
        key=key,
        created=datetime.now(UTC),
        code_version=code_version,
        algorithm="logisticRegression",
        seed=seed,
        dataset=DatasetSummary(
            uri=dataset_uri,
            digest=dataset_digest,
            rows=len(rows),
            train_rows=len(learn),
            holdout_rows=len(hold),
            positive_share=float(churned.mean()),
            holdout_sha256=hashlib.sha256(held_out.encode()).hexdigest(),
        ),
        metrics={
            "rocAuc": float(roc_auc_score(churned[hold], scores)),
            "brier": float(brier_score_loss(churned[hold], scores)),
        },
        artifacts=artifacts,
    )
    put(layout.report, report.model_dump_json(indent=2).encode())


@dsl.pipeline(name="my-churn-training")
def my_churn_training(
    dataset_uri: str,
    dataset_digest: str,
    s3_endpoint: str,
    output_uri: str,
    key: str,
    hyperparameters: str = "{}",
    seed: int = 42,
) -> None:
    """Its parameters are the ones that it wants to be given."""
    train(
        dataset_uri=dataset_uri,
        dataset_digest=dataset_digest,
        s3_endpoint=s3_endpoint,
        output_uri=output_uri,
        key=key,
        hyperparameters=hyperparameters,
        seed=seed,
    )


if __name__ == "__main__":
    compiler.Compiler().compile(my_churn_training, sys.argv[1])
