"""KServe's model server, bound to the address it is given, draining on SIGTERM, refusing remote control."""

from __future__ import annotations

import asyncio
import logging
import signal
from http import HTTPStatus
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from kserve import ModelServer
from kserve.constants.constants import FASTAPI_APP_IMPORT_STRING
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer
from starlette.exceptions import HTTPException as AnyHTTPException

from churn_serving.comparison import Comparer
from churn_serving.endpoints import PredictionEndpoints
from churn_serving.metrics import PredictionMetrics
from churn_serving.model import ChurnPredictor
from churn_serving.settings import Settings


class DrainingServer(uvicorn.Server):
    """uvicorn that goes on accepting connections for a while after the first SIGTERM.

    Endpoints are removed from load balancers while the signal is already here; a server that closed
    its socket at once would refuse requests that are still sent to it. A second signal ends the wait.
    """

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self.draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First SIGTERM: drain, then exit. Anything else: exit now, as uvicorn does."""
        if sig != signal.SIGTERM or self.draining or self._drain_seconds <= 0:
            self.draining = True
            super().handle_exit(sig, frame)
            return
        self.draining = True
        asyncio.get_running_loop().call_later(self._drain_seconds, super().handle_exit, sig, frame)


class DrainingDataPlane(DataPlane):  # type: ignore[misc]
    """KServe's data plane whose readiness ends when draining begins, while predictions go on."""

    server: DrainingServer | None = None

    async def ready(self) -> bool:
        """Readiness of the server, for /v2/health/ready."""
        return not self._draining and bool(await super().ready())

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        """Readiness of the model, for /v1/models/<name> and /v2/models/<name>/ready."""
        ready = bool(await super().model_ready(model_name, disable_predictor_health_check))
        return ready and not self._draining

    @property
    def _draining(self) -> bool:
        return self.server is not None and self.server.draining


class FixedRepository(ModelRepositoryExtension):  # type: ignore[misc]
    """The model of a pod is the operator's to change: whoever may predict may not unload."""

    async def load(self, model_name: str) -> None:  # noqa: ARG002
        """Refuse."""
        raise HTTPException(HTTPStatus.FORBIDDEN, "Models are loaded when the server starts, and only then.")

    async def unload(self, model_name: str) -> None:  # noqa: ARG002
        """Refuse."""
        raise HTTPException(HTTPStatus.FORBIDDEN, "Models are unloaded when the server ends, and only then.")


class ChurnRESTServer(RESTServer):  # type: ignore[misc]
    """KServe's REST server with our prediction routes in front and our bind address.

    KServe 0.21 fixes the host in its constructor; uvicorn reads it from the config when it starts.
    """

    def __init__(
        self,
        dataplane: DrainingDataPlane,
        model: ChurnPredictor,
        metrics: PredictionMetrics,
        settings: Settings,
    ) -> None:
        super().__init__(
            FASTAPI_APP_IMPORT_STRING,
            dataplane,
            FixedRepository(dataplane.model_registry),
            settings.http_port,
            grace_period=settings.grace_seconds,
        )
        self.config.host = settings.host
        if not settings.log_requests:
            logging.getLogger("uvicorn.access").handlers.clear()
        self._server = DrainingServer(self.config, settings.drain_seconds)
        dataplane.server = self._server
        peer = settings.peer
        self._comparer = Comparer(peer, model.identity, metrics.comparisons) if peer else None
        self._prediction_endpoints = PredictionEndpoints(
            model, metrics, settings.maximum_body_bytes, lambda: bool(self._server.draining), self._comparer
        )

    async def start(self) -> None:
        """Serve until a signal ends the process."""
        await super().start()
        if self._comparer is not None:
            await self._comparer.close()

    def _add_middlewares(self, app: FastAPI) -> None:
        """None: KServe's writes two log lines a request."""

    def _register_endpoints(self, app: FastAPI) -> None:
        app.router.routes[:0] = self._prediction_endpoints.routes()
        super()._register_endpoints(app)

    def _add_exception_handlers(self, app: FastAPI) -> None:
        super()._add_exception_handlers(app)
        app.add_exception_handler(AnyHTTPException, _http_exception)


class ChurnModelServer(ModelServer):  # type: ignore[misc]
    """One model, REST only, one process; scale by replicas."""

    def __init__(self, settings: Settings, metrics: PredictionMetrics) -> None:
        super().__init__(
            http_port=settings.http_port,
            workers=1,
            enable_grpc=False,
            enable_docs_url=False,
            enable_latency_logging=False,
            grace_period=settings.grace_seconds,
        )
        self._settings = settings
        self._metrics = metrics
        self.dataplane = DrainingDataPlane(model_registry=self.registered_models)

    def start(self, models: list[ChurnPredictor]) -> None:
        """Serve until a signal ends the process.

        Raises:
            SystemExit: the address cannot be bound.
        """
        self._register_and_check_atleast_one_model_is_ready(models)
        [model] = models
        rest = ChurnRESTServer(self.dataplane, model, self._metrics, self._settings)
        self.register_signal_handler()
        with asyncio.Runner(loop_factory=rest.config.get_loop_factory()) as runner:
            runner.run(rest.start())


async def _http_exception(_: Request, error: Any) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
