"""The command line of the trainer: generate customers, train locally, compile the pipeline."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from churn_trainer.rejection import RunRejected


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `churn-trainer`; answers the exit code: 2 when the input is refused, 1 when something is away."""
    wish = _parser().parse_args(arguments)
    match wish.command:
        case "generate":
            return _generate(wish)
        case "train":
            return _train(wish)
        case _:
            return _compile(wish)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="churn-trainer", description="Trains customer-churn models.")
    commands = parser.add_subparsers(dest="command", required=True)
    generate = commands.add_parser("generate", help="write invented customers as CSV or Parquet")
    generate.add_argument("--rows", type=int, default=5000)
    generate.add_argument("--seed", type=_seed, default=7)
    generate.add_argument("--out", type=Path, required=True, help="a file that ends in .csv or .parquet")
    train = commands.add_parser("train", help="run the whole training on this machine")
    train.add_argument("--data", required=True, help="a CSV or Parquet file, a folder of them, or an s3:// URI")
    train.add_argument("--out", required=True, help="where model, report and plots go: a folder or an s3:// URI")
    train.add_argument("--s3-endpoint", default="", help="URL of the object store; AWS if left out")
    train.add_argument("--target", default="Churn")
    train.add_argument("--id-column", default="customerID")
    train.add_argument("--positive-label", default="Yes")
    train.add_argument("--columns", default="", help="JSON list of columns; the Telco columns if left out")
    train.add_argument("--algorithm", default="auto")
    train.add_argument("--hyperparameters", default="{}", help="JSON object, scikit-learn's names")
    train.add_argument("--seed", type=_seed, default=7)
    compiled = commands.add_parser("compile-pipeline", help="write the pipeline package for Kubeflow Pipelines")
    compiled.add_argument("path", type=Path)
    compiled.add_argument("--check", action="store_true", help="only compare: exit code 1 when the file differs")
    return parser


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {2**32 - 1}")
    return seed


def _generate(wish: argparse.Namespace) -> int:
    from churn_trainer.synthetic import write_customers

    write_customers(wish.out, rows=wish.rows, seed=wish.seed)
    return 0


def _train(wish: argparse.Namespace) -> int:
    from minio.error import MinioException
    from urllib3.exceptions import HTTPError

    from churn_trainer.local import run_locally
    from churn_trainer.request import RunRequest

    request = RunRequest(
        dataset_uri=wish.data,
        output_uri=wish.out,
        s3_endpoint=wish.s3_endpoint,
        target=wish.target,
        id_column=wish.id_column,
        positive_label=wish.positive_label,
        columns=wish.columns,
        algorithm=wish.algorithm,
        hyperparameters=wish.hyperparameters,
        seed=wish.seed,
    )
    try:
        report = run_locally(request)
    except RunRejected as rejection:
        print(rejection, file=sys.stderr)
        return 2
    except (MinioException, HTTPError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{report.algorithm} on {report.dataset.rows if report.dataset else 0} customers")
    for name, value in report.metrics.items():
        print(f"{name:34}{value:8.4f}")
    print(f"written to {request.layout.output_uri}")
    return 0


def _compile(wish: argparse.Namespace) -> int:
    from churn_trainer.pipeline import compile_pipeline

    if not wish.check:
        compile_pipeline(wish.path)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / wish.path.name
        compile_pipeline(compiled)
        if compiled.read_bytes() == wish.path.read_bytes():
            return 0
    print(f"{wish.path} is not what the trainer compiles to: run `make generate`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
