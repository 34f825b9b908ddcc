"""The REST API, under the paths that kfp.Client calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse

from churn_devcluster.pipelines.answers import Refusal, RequestError
from churn_devcluster.pipelines.experiments import ExperimentCalls
from churn_devcluster.pipelines.runs import RunCalls
from churn_devcluster.pipelines.scheduler import Scheduler
from churn_devcluster.pipelines.secrets import ReadSecret
from churn_devcluster.pipelines.store import Store

_PAGE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class Settings:
    """`namespace` is where the runs of an experiment without a namespace find their Secrets."""

    data_dir: Path
    namespace: str
    concurrent_runs: int
    read_secret: ReadSecret


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application; its runs execute while its lifespan lasts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        store = Store(settings.data_dir / "pipelines.sqlite")
        scheduler = Scheduler(store, settings.data_dir, settings.read_secret, settings.concurrent_runs)
        scheduler.resume()
        experiments = ExperimentCalls(store)
        app.include_router(experiments.routes())
        app.include_router(RunCalls(store, scheduler, experiments, settings.namespace).routes())
        yield
        await scheduler.stop()
        store.close()

    app = FastAPI(title="Kubeflow Pipelines v2beta1 on this machine", lifespan=lifespan)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.get("/apis/v2beta1/healthz")(_healthz)
    app.get("/", include_in_schema=False)(_page)
    return app


async def _healthz() -> dict[str, Any]:
    return {}


async def _page() -> FileResponse:
    """Runs and their logs for a browser, under the links that Kubeflow Pipelines' own page has."""
    return FileResponse(_PAGE)


def _refused(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestError):
        raise error
    return _error(error.code, error.status, error.message)


def _malformed(_: Request, error: Exception) -> JSONResponse:
    code, status = Refusal.INVALID.value
    return _error(code, status, f"Invalid input error: {error}")


def _error(code: int, status: int, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message, "details": []}, status_code=status)
