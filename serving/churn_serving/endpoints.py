"""The two prediction routes. They stand before KServe's own, which answer 500 or 422 to a malformed body."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from kserve.logging import logger
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from churn_serving.comparison import COMPARISON_HEADER, MIRROR_HEADER, VERSION_HEADER, Comparer, Mirrored
from churn_serving.metrics import PredictionMetrics
from churn_serving.model import ChurnPredictor
from churn_serving.refusal import Reason, Refusal, quoted


class PredictionEndpoints:
    """Reads a bounded body, asks the model, and answers; every answer names the model's version.

    Args:
        model: the one model of this server.
        metrics: counts every answer.
        maximum_body_bytes: longer bodies are answered with 413 before they are read to the end.
        is_draining: whether the process is on its way out; an answer then closes its connection.
        comparer: compares answers to mirrored requests with another version's; None compares none.
    """

    def __init__(
        self,
        model: ChurnPredictor,
        metrics: PredictionMetrics,
        maximum_body_bytes: int,
        is_draining: Callable[[], bool],
        comparer: Comparer | None = None,
    ) -> None:
        self._model = model
        self._metrics = metrics
        self._maximum_body_bytes = maximum_body_bytes
        self._is_draining = is_draining
        self._comparer = comparer

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
        is_traffic = COMPARISON_HEADER not in request.headers
        body, kind = b"", ""
        try:
            self._check_model(request)
            body = await self._read(request)
            status, content = 200, await self._prediction(body, key, is_traffic)
        except Refusal as refusal:
            kind, status, content = str(refusal.kind), refusal.status, {"error": str(refusal)}
        except Exception:
            logger.exception("a valid request could not be answered")
            kind, status = "Internal", 500
            content = {"error": "The model failed to score a valid request; see the server's log."}
        response = Response(orjson.dumps(content), status, self._headers(), media_type="application/json")
        if not is_traffic:
            self._metrics.comparisons.answered(status)
            return response
        if status != HTTPStatus.OK:
            self._metrics.failed(kind)
        self._metrics.answered(protocol, status, time.perf_counter() - started)
        if request.headers.get(MIRROR_HEADER) == self._model.identity.version:
            response.background = self._comparison(Mirrored(protocol, body, content), status)
        return response

    async def _prediction(self, content: bytes, key: str, is_traffic: bool) -> dict[str, Any]:
        body = _decoded(content)
        if key not in body:
            raise Refusal(Reason.INSTANCES_MISSING, f'The body must have "{key}".')
        headers = {} if is_traffic else {COMPARISON_HEADER: self._model.identity.version}
        answer, _ = await self._model({key: body[key], **_protocol_fields(body)}, headers)
        return dict(answer)

    def _comparison(self, mirrored: Mirrored, status: int) -> BackgroundTask | None:
        """What is left to do for a mirrored request once it is answered. It reached no client, but counts as traffic:
        it is by such requests that a candidate is judged before it gets any other."""
        self._metrics.comparisons.mirrored()
        if self._comparer is None or status != HTTPStatus.OK or self._is_draining():
            return None
        return self._comparer.accept(mirrored)

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
