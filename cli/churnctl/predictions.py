"""Asking a served model, in KServe's v1 protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from churnctl.customers import Customers, batches
from churnctl.errors import ChurnctlError, ForbiddenError, NotFoundError, UnreachableError

BATCH = 500
"""Customers a request; the model server takes 1,000."""
_INSTANCE = re.compile(r"\bInstance (\d+)\b")


@dataclass(frozen=True)
class Prediction:
    """One customer's answer, and the version that gave it."""

    customer: str
    label: str
    probability: float
    version: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON, by the model server's names."""
        values = asdict(self)
        return {"customer": values["customer"], "class": self.label, "probability": self.probability,
                "version": self.version}  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers.

    Attributes:
        url: what comes before /v1/models.
        host: Host header, where it has to be another than the URL's (a port-forward to a gateway).
    """

    url: str
    model: str
    host: str | None
    seconds: float

    @property
    def address(self) -> str:
        """The whole of it."""
        return f"{self.url.rstrip('/')}/v1/models/{self.model}:predict"


def predict_all(endpoint: Endpoint, customers: Customers, advance: Callable[[int], None]) -> list[Prediction]:
    """Answers in the order of the customers; `advance` is told of each batch how many it were.

    Raises:
        ChurnctlError: a customer was refused; the sentence names it.
        UnreachableError: no answer.
    """
    answers: list[Prediction] = []
    headers = {} if endpoint.host is None else {"Host": endpoint.host}
    transport = httpx.HTTPTransport(retries=2)
    with httpx.Client(transport=transport, timeout=endpoint.seconds, headers=headers) as client:
        for batch in batches(range(len(customers.instances)), BATCH):
            answers += _ask(client, endpoint, customers, batch[0], batch[-1] + 1)
            advance(len(batch))
    return answers


def _ask(client: httpx.Client, endpoint: Endpoint, customers: Customers, begin: int, end: int) -> list[Prediction]:
    try:
        answer = client.post(endpoint.address, json={"instances": list(customers.instances[begin:end])})
    except httpx.InvalidURL as error:
        raise NotFoundError(f"{endpoint.url} is no address: {error}.") from error
    except httpx.HTTPError as error:
        raise UnreachableError(_unreachable(endpoint, str(error) or type(error).__name__)) from error
    try:
        content = answer.json()
    except ValueError as error:
        raise _refused(answer, f"{answer.status_code} {answer.reason_phrase}", endpoint) from error
    if answer.is_error:
        said = content.get("error") if isinstance(content, dict) else None
        raise _refused(answer, _named(str(said or answer.reason_phrase), customers, begin), endpoint)
    version = answer.headers.get("x-churn-model-version") or content.get("model_version") or ""
    names = customers.names[begin:end]
    try:
        given = [(str(each["class"]), float(each["probability"])) for each in content["predictions"]]
        return [
            Prediction(name, label, probability, str(version))
            for name, (label, probability) in zip(names, given, strict=True)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ChurnctlError(f"{endpoint.address} does not answer as a churn model: {answer.text[:200]}") from error


def _refused(answer: httpx.Response, said: str, endpoint: Endpoint) -> ChurnctlError:
    match answer.status_code:
        case 401 | 403:
            return ForbiddenError(f"{endpoint.url} does not let you ask: {said}")
        case 404:
            return NotFoundError(f"There is no model {endpoint.model} at {endpoint.url}: {said}")
        case code if code >= 500:
            return UnreachableError(f"The model at {endpoint.url} cannot answer now: {said}")
        case _:
            return ChurnctlError(said)


def _named(said: str, customers: Customers, begin: int) -> str:
    """`Instance 3`, which counts within a request, as the customer in the file."""

    def name(match: re.Match[str]) -> str:
        place = begin + int(match[1])
        known = customers.names[place]
        return f"Customer {known}" if known.startswith("#") else f"Customer {known} (#{place + 1})"

    return _INSTANCE.sub(name, said)


def _unreachable(endpoint: Endpoint, cause: str) -> str:
    host = httpx.URL(endpoint.url).host
    return (
        f"The model at {endpoint.url} does not answer: {cause}. From outside the cluster, forward a port to its "
        f"gateway or Service and add --url http://localhost:<port>, and --host {host} for a gateway."
    )
