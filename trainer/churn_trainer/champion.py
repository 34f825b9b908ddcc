"""The champion, the model in service: brought from the store, verified, and scored on this run's holdout."""

from __future__ import annotations

import hashlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from churn_report import Comparison, DataContract
from numpy.typing import NDArray
from pydantic import ValidationError

from churn_trainer.comparison import SharedRows, compare
from churn_trainer.evaluate import read_scores, score_batches
from churn_trainer.rejection import SpecRejected
from churn_trainer.request import RunRequest
from churn_trainer.storage import ObjectUnavailable, open_store

MOST_ROWS = 20_000
"""Rows of the holdout that are compared at most: more would narrow the bounds less than they cost."""


class ChampionUnavailable(Exception):  # noqa: N818 - a finding about the champion; the run goes on
    """Why the champion cannot be compared with, as a sentence without its full stop."""


@dataclass(frozen=True)
class Champion:
    """A verified model with its contract."""

    model: Any
    contract: DataContract


def compare_with_champion(
    request: RunRequest, contract: DataContract, holdout: Path, scored: Path
) -> Comparison | None:
    """The candidate's `scored` holdout against the champion on the same rows; None if the request names none.

    Both models are measured on this run's frozen holdout, so it does not matter which data the champion was
    trained on: the customers in the holdout depend on their ids alone. Of more than 20,000 rows a random
    20,000 are compared. What stands in the way of a comparison is told in it, and never fails the run; only a
    store that cannot be reached does, because a later attempt may find it again.
    """
    if not request.champion_uri:
        return None
    positive, candidate = read_scores(scored)
    kept = _chosen(len(positive), request.seed)
    try:
        scores = _score(fetch_champion(request), contract, holdout, kept)
    except ChampionUnavailable as finding:
        return Comparison(champion_sha256=request.champion_sha256, unavailable=str(finding))
    rows = SharedRows(positive[kept], candidate[kept], scores)
    return compare(rows, request.champion_sha256, request.confidence, request.seed)


def fetch_champion(request: RunRequest) -> Champion:
    """Downloads the champion and loads it, only if its digest is the expected one: loading a pickle runs code.

    Raises ChampionUnavailable, and minio and urllib3 errors when the store cannot be reached.
    """
    name, folder = _name(request), request.champion_uri.rstrip("/")
    content = _read(request, f"{folder}/model.joblib")
    digest = hashlib.sha256(content).hexdigest()
    if digest != request.champion_sha256:
        raise ChampionUnavailable(
            f"{name} at {folder}/model.joblib has sha256 {digest[:12]}, and {request.champion_sha256[:12]} is "
            "expected; it was not loaded"
        )
    try:
        contract = DataContract.model_validate_json(_read(request, f"{folder}/contract.json"))
    except ValidationError as error:
        raise ChampionUnavailable(f"the contract.json of {name} is no data contract") from error
    try:
        model = joblib.load(io.BytesIO(content))
    except Exception as error:  # a pickle of another version of a library may raise anything
        raise ChampionUnavailable(f"{name} cannot be loaded here: {_told(error)}") from error
    return Champion(model, contract)


def _read(request: RunRequest, uri: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="churn-champion-") as folder:
        path = Path(folder) / "object"
        try:
            open_store(uri, request.s3_endpoint).fetch(uri, path)
        except ObjectUnavailable as error:
            raise ChampionUnavailable(f"{_name(request)} is gone: {error}") from error
        except SpecRejected as error:
            raise ChampionUnavailable(f"{_name(request)} is out of reach: {error.message.rstrip('.')}") from error
        return path.read_bytes()


def _score(champion: Champion, contract: DataContract, holdout: Path, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The champion's probabilities of this run's positive label, shape (kept rows,)."""
    _check_contract(champion.contract, contract)
    try:
        batches = score_batches(champion.model, holdout, champion.contract.columns, contract.positive_label, kept)
        scores = np.concatenate([scores for _, scores in batches])
    except Exception as error:  # an old model meets values it never knew
        raise ChampionUnavailable(f"the champion cannot score this run's holdout: {_told(error)}") from error
    if not (np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1):
        raise ChampionUnavailable("the champion's scores are no probabilities")
    return scores


def _check_contract(theirs: DataContract, ours: DataContract) -> None:
    if theirs.target != ours.target:
        raise ChampionUnavailable(f"the champion predicts {theirs.target}, and this run {ours.target}")
    if ours.positive_label not in {theirs.positive_label, theirs.negative_label}:
        raise ChampionUnavailable(
            f"the champion tells {theirs.positive_label} from {theirs.negative_label}, and this run "
            f"{ours.positive_label} from {ours.negative_label}"
        )
    missing = [name for name in theirs.names if name not in ours.names]
    if missing:
        raise ChampionUnavailable(
            f"the champion needs the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}, "
            "which this run's contract does not have"
        )


def _chosen(rows: int, seed: int) -> NDArray[np.bool_]:
    """Which rows are compared, shape (rows,)."""
    kept = np.full(rows, rows <= MOST_ROWS)
    if rows > MOST_ROWS:
        kept[np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False, shuffle=False)] = True
    return kept


def _name(request: RunRequest) -> str:
    return f"the champion, version {request.champion_version}," if request.champion_version else "the champion"


def _told(error: Exception) -> str:
    first = str(error).strip().split("\n", 1)[0].rstrip(".")
    return f"{type(error).__name__}: {first[:200]}" if first else type(error).__name__
