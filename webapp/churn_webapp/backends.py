"""What the pages stand on, made once at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from churn_webapp.cluster.api_server import ApiServer
from churn_webapp.cluster.churn_models import ChurnModels
from churn_webapp.cluster.person import People
from churn_webapp.prediction.model import ModelClient
from churn_webapp.prediction.results import Results
from churn_webapp.reports import Reports
from churn_webapp.settings import Settings

_EXTENSION = "churn_webapp"


@dataclass(frozen=True)
class Backends:
    """Kubernetes, the object store, the models, and the predictions of the last half hour."""

    settings: Settings
    churn_models: ChurnModels
    people: People
    reports: Reports
    models: ModelClient
    results: Results

    @classmethod
    def of(cls, settings: Settings) -> Backends:
        """Nothing is connected to yet. Raises ValueError naming a setting that cannot be used."""
        api_server = ApiServer(settings)
        return cls(
            settings=settings,
            churn_models=ChurnModels(api_server, settings.namespace_names),
            people=People(api_server),
            reports=Reports(settings),
            models=ModelClient(settings),
            results=Results(),
        )


def backends() -> Backends:
    """Those of the app that answers the request."""
    return cast(Backends, current_app.extensions[_EXTENSION])


def attach(extensions: dict[str, object], made: Backends) -> None:
    """Give them to an app."""
    extensions[_EXTENSION] = made
