"""The app over ChurnModels and reports in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from churn_report import DataContract, Report
from churn_webapp.application import create_app
from churn_webapp.backends import Backends
from churn_webapp.cluster.churn_models import ChurnModels
from churn_webapp.cluster.person import People, Person, refusal
from churn_webapp.errors import Forbidden, LoginNeeded, NotFound, Unavailable
from churn_webapp.prediction.model import ModelClient, Score
from churn_webapp.prediction.results import Results
from churn_webapp.reports import Reports
from churn_webapp.settings import Settings
from churn_webapp.story.churn_model import ChurnModel, Event
from flask.testing import FlaskClient

from tests.unit.webapp.contracts import CONTRACT


@dataclass
class Cluster:
    """What the backends know, and what was asked of them."""

    items: list[dict[str, Any]]
    away: bool = False
    events: tuple[Event, ...] = ()
    report: Report | None = None
    probability: float = 0.75
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    editors: tuple[str, ...] = ("edda",)
    name: str = ""

    def read_all(self) -> tuple[ChurnModel, ...]:
        """As ChurnModels."""
        if self.away:
            raise Unavailable("The Kubernetes API server does not answer.")
        return tuple(map(ChurnModel.parse, self.items))

    def read(self, namespace: str, name: str) -> ChurnModel:
        """As ChurnModels."""
        found = next((model for model in self.read_all() if model.key == f"{namespace}/{name}"), None)
        if found is None:
            raise NotFound(f"There is no ChurnModel {name} in namespace {namespace}.")
        return found

    read_now = read

    def forget(self) -> None:
        """As ChurnModels."""

    def identify(self, token: str) -> Person:
        """As People; a token is a name, unless everybody has the same."""
        if token == "nobody":
            raise LoginNeeded("Kubernetes does not accept this token.")
        return Person(self.name or token, token)

    def may(self, person: Person, verb: str, namespace: str, name: str) -> bool:
        """As People."""
        return verb == "get" or person.name in self.editors

    def annotate(self, person: Person, *change: str) -> None:
        """As People."""
        if person.name not in self.editors:
            raise Forbidden(refusal(person, change[0]))
        self.changes.append((person.name, *change))

    def roll_back_to(self, person: Person, *change: Any) -> None:
        """As People."""
        self.changes.append((person.name, *change))

    def contract(self, output_uri: str) -> DataContract:
        """As Reports."""
        return CONTRACT

    def predict(self, model: ChurnModel, customers: Sequence[Any]) -> list[Score]:
        """As ModelClient."""
        label = "Yes" if self.probability > 0.5 else "No"
        return [Score(label, self.probability, "1") for _ in customers]


class Models:
    """ChurnModels with events of their own."""

    def __init__(self, cluster: Cluster) -> None:
        self.read_all, self.read, self.read_now = cluster.read_all, cluster.read, cluster.read
        self.forget = cluster.forget
        self._cluster = cluster

    def events(self, namespace: str, name: str) -> tuple[Event, ...]:
        """As ChurnModels."""
        return self._cluster.events


class ReportsInMemory:
    """Reports."""

    def __init__(self, cluster: Cluster) -> None:
        self.contract = cluster.contract
        self._cluster = cluster

    def report(self, output_uri: str) -> Report:
        """As Reports."""
        if self._cluster.report is None:
            raise NotFound(f"There is no {output_uri}/report.json in the object store.")
        return self._cluster.report


def client_of(cluster: Cluster, **settings: Any) -> FlaskClient:
    """A browser in front of the app; only the form of /predict needs a token against forgery here."""
    made = Settings(**{"secure_cookies": False, "secret_key": "of a test", **settings})
    backends = Backends(
        settings=made,
        churn_models=cast(ChurnModels, Models(cluster)),
        people=cast(People, cluster),
        reports=cast(Reports, ReportsInMemory(cluster)),
        models=cast(ModelClient, cluster),
        results=Results(),
    )
    app = create_app(made, backends)
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()
