"""The two prediction routes. They stand before KServe's own, which answer 500 or 422 to a malformed body."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
from kserve.logging import logger
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from churn_serving.metrics import PredictionMetrics
from churn_serving.model import ChurnPredictor
from churn_serving.refusal import Reason, Refusal, quoted

VERSION_HEADER = "x-churn-model-version"


class PredictionEndpoints:
    """Reads a bounded body, asks the model, and answers; every answer names the model's version.

    Args:
        model: the one model of this server.
        metrics: counts every answer.
        maximum_body_bytes: longer bodies are answered with 413 before they are read to the end.
        is_draining: whether the process is on its way out; an answer then closes its connection.
    """

    def __init__(
        self,
        model: ChurnPredictor,
        metrics: PredictionMetrics,
        maximum_body_bytes: int,
        is_draining: Callable[[], bool],
    ) -> None:
        self._model = model
        self._metrics = metrics
        self._maximum_body_bytes = maximum_body_bytes
        self._is_draining = is_draining

    def routes(self) -> list[Route]:
        """`:predict` (v1), `/infer` (v2, with or without the version in the path), and no `:explain`."""
        return [
            Route("/v1/models/{model_name}:predict", self.predict, methods=["POST"]),
            Route("/v1/models/{model_name}:explain", self.explain, methods=["POST"]),
            Route("/v2/models/{model_name}/infer", self.infer, methods=["POST"]),
            Route("/v2/models/{model_name}/versions/{model_version}/infer", self.infer, methods=["POST"]),
        ]

    async def predict(self, request: Request) -> Response:
        """v1."""
        return await self._answer(request, "v1", "instances")

    async def infer(self, request: Request) -> Response:
        """v2."""
        return await self._answer(request, "v2", "inputs")

    async def explain(self, request: Request) -> Response:  # noqa: ARG002
        """404: KServe's own route answers a 5xx, which would count against the model."""
        content = {"error": f"Model {quoted(self._model.name)} has no explainer."}
        return Response(orjson.dumps(content), 404, self._headers(), media_type="application/json")

    async def _answer(self, request: Request, protocol: str, key: str) -> Response:
        started = time.perf_counter()
        try:
            status, content = 200, await self._prediction(request, key)
        except Refusal as refusal:
            self._metrics.failed(refusal.kind)
            status, content = refusal.status, {"error": str(refusal)}
        except Exception:
            logger.exception("a valid request could not be answered")
            self._metrics.failed("Internal")
            status, content = (
                500,
                {"error": "The model failed to score a valid request; see the server's log."},
            )
        response = Response(orjson.dumps(content), status, self._headers(), media_type="application/json")
        self._metrics.answered(protocol, status, time.perf_counter() - started)
        return response

    async def _prediction(self, request: Request, key: str) -> dict[str, Any]:
        self._check_model(request)
        body = _decoded(await self._read(request))
        if key not in body:
            raise Refusal(Reason.INSTANCES_MISSING, f'The body must have "{key}".')
        answer, _ = await self._model({key: body[key], **_protocol_fields(body)})
        return dict(answer)

    def _check_model(self, request: Request) -> None:
        name, version = request.path_params["model_name"], request.path_params.get("model_version")
        if name != self._model.name:
            raise Refusal(
                Reason.MODEL_NOT_FOUND,
                f"Model {quoted(name)} does not exist; this server has {self._model.name}.",
                404,
            )
        if version is not None and version != self._model.identity.version:
            raise Refusal(
                Reason.MODEL_NOT_FOUND,
                f"Version {quoted(version)} does not exist; this server has {self._model.identity.version}.",
                404,
            )

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._maximum_body_bytes:
                    raise Refusal(
                        Reason.BODY_TOO_LARGE,
                        f"The body is larger than the {self._maximum_body_bytes} bytes this server accepts.",
                        413,
                    )
        except ClientDisconnect:
            raise Refusal(Reason.CLIENT_DISCONNECTED, "The body ended before its end.") from None
        return bytes(body)

    def _headers(self) -> dict[str, str]:
        headers = {VERSION_HEADER: self._model.identity.version}
        if self._is_draining():
            headers["connection"] = "close"
        return headers


def _protocol_fields(body: dict[str, Any]) -> dict[str, Any]:
    return {field: body[field] for field in ("id", "outputs") if field in body}


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(Reason.NOT_JSON, f"The body is not JSON: {error}.") from None
    if not isinstance(decoded, dict):
        raise Refusal(Reason.NOT_AN_OBJECT, f"The body must be a JSON object, not {quoted(decoded)}.")
    return decoded
