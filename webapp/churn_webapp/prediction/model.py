"""Asking the model in service, at status.url of its ChurnModel and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from churn_webapp.errors import InvalidCustomer, NotFound, TooLarge, Unavailable, WebappError
from churn_webapp.metrics import MODEL_FAILURES, MODEL_SECONDS, PREDICTED_CUSTOMERS
from churn_webapp.settings import Settings
from churn_webapp.story.churn_model import ChurnModel

VERSION_HEADER = "x-churn-model-version"
_PARALLEL_BATCHES = 4
_INSTANCE = re.compile(r"^Instance (\d+),? ?(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Score:
    """What the model said of one customer: the label, the probability of the positive one, and who said it."""

    label: str
    probability: float
    version: str


class ModelClient:
    """Calls `:predict`, in batches, with a time-out for each."""

    def __init__(self, settings: Settings) -> None:
        self._batch = settings.batch_rows
        self._gateway = settings.model_gateway.rstrip("/")
        timeout = httpx.Timeout(settings.model_timeout_seconds, connect=min(3.0, settings.model_timeout_seconds))
        self._client = httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False)

    def predict(self, model: ChurnModel, customers: Sequence[Mapping[str, Any]]) -> list[Score]:
        """A score for each customer, in their order. Raises InvalidCustomer, NotFound, TooLarge or Unavailable."""
        if not model.status.url:
            raise Unavailable(f"{model.name} has no version in service yet: {model.sentence}.")
        starts = range(0, len(customers), self._batch)
        with ThreadPoolExecutor(_PARALLEL_BATCHES) as pool:
            batches = [pool.submit(self._ask, model, customers[start : start + self._batch], start) for start in starts]
            try:
                return [score for batch in batches for score in batch.result()]
            except WebappError:
                pool.shutdown(cancel_futures=True)
                raise

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _ask(self, model: ChurnModel, customers: Sequence[Mapping[str, Any]], start: int) -> list[Score]:
        url, headers = self._target(model)
        try:
            with MODEL_SECONDS.labels(model.namespace, model.name).time():
                answer = self._client.post(url, json={"instances": list(customers)}, headers=headers)
            scores = _scores(answer, model, start, len(customers))
        except httpx.TimeoutException as error:
            MODEL_FAILURES.labels(model.namespace, model.name, "timeout").inc()
            raise Unavailable(f"{model.name} did not answer in time. Try again in a moment.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            MODEL_FAILURES.labels(model.namespace, model.name, "unreachable").inc()
            raise Unavailable(f"{model.name} cannot be reached right now. Try again in a moment.") from error
        except WebappError as error:
            MODEL_FAILURES.labels(model.namespace, model.name, type(error).__name__).inc()
            raise
        PREDICTED_CUSTOMERS.labels(model.namespace, model.name).inc(len(scores))
        return scores

    def _target(self, model: ChurnModel) -> tuple[str, dict[str, str]]:
        """URL and headers of the request."""
        path = f"/v1/models/{model.name}:predict"
        own = (model.status.url or "").rstrip("/")
        if not self._gateway:
            return own + path, {}
        parts = urlsplit(own)
        return f"{self._gateway}{parts.path}{path}", {"host": parts.netloc}


def _scores(answer: httpx.Response, model: ChurnModel, start: int, expected: int) -> list[Score]:
    match answer.status_code:
        case HTTPStatus.OK:
            return _read(answer, model, expected)
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            raise _refusal(_error(answer), start)
        case HTTPStatus.NOT_FOUND:
            raise NotFound(f"{model.name} has no model in service at {model.status.url}: {_error(answer)}")
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise TooLarge(f"{model.name} takes no batch of {expected} customers: lower CHURN_BATCH_ROWS.")
        case code:
            raise Unavailable(f"{model.name} answers with {code}: {_error(answer)}")


def _read(answer: httpx.Response, model: ChurnModel, expected: int) -> list[Score]:
    try:
        body = answer.json()
        version = str(answer.headers.get(VERSION_HEADER) or body.get("model_version") or "")
        scores = [Score(str(one["class"]), _probability(one["probability"]), version) for one in body["predictions"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(f"{model.name} gives answers without class and probability.") from error
    if len(scores) != expected:
        raise Unavailable(f"{model.name} gave {len(scores)} answers to {expected} customers.")
    return scores


def _probability(value: Any) -> float:
    probability = float(value)
    if not 0 <= probability <= 1:
        raise ValueError(f"{probability} is no probability")
    return probability


def _refusal(message: str, start: int) -> InvalidCustomer:
    """The model server counts instances of its batch from 0."""
    found = _INSTANCE.match(message)
    if found is None:
        return InvalidCustomer(f"the model refuses the customers: {message}")
    return InvalidCustomer(found[2], start + int(found[1]))


def _error(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or "no reason given"
