"""The churn model as KServe sees it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import kserve
from churn_report import DataContract

from churn_serving import tensors
from churn_serving.comparison import COMPARISON_HEADER
from churn_serving.metrics import ModelIdentity, PredictionMetrics
from churn_serving.refusal import Reason, Refusal
from churn_serving.scoring import FEW_ROWS, Scorer
from churn_serving.tensors import TensorRequest
from churn_serving.validation import Row, RowValidator


@dataclass(frozen=True)
class _Batch:
    rows: list[Row]
    tensors: TensorRequest | None


class ChurnPredictor(kserve.Model):  # type: ignore[misc]
    """Answers class and probability for validated customers, in both of KServe's protocols.

    A payload is a decoded JSON body: with "instances" it is a v1 request, with "inputs" a v2 request.
    The class is the positive label above a probability of one half, as scikit-learn decides.
    """

    def __init__(
        self,
        identity: ModelIdentity,
        contract: DataContract,
        scorer: Scorer,
        metrics: PredictionMetrics,
        maximum_instances: int,
    ) -> None:
        super().__init__(identity.name)
        self.identity = identity
        self._contract = contract
        self._scorer = scorer
        self._metrics = metrics
        self._validator = RowValidator(contract, maximum_instances)
        # One batch after another: see PipelineScorer.
        self._batches = ThreadPoolExecutor(1, "batches")
        self.load()

    def preprocess(
        self,
        payload: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> _Batch:
        """Validate a request.

        Raises:
            Refusal: the request does not hold the contract.
        """
        if "instances" in payload:
            return _Batch(self._validator.rows(payload["instances"]), None)
        if "inputs" in payload:
            request = tensors.parse(dict(payload), self._contract)
            return _Batch(self._validator.rows(request.instances), request)
        raise Refusal(Reason.INSTANCES_MISSING, 'The body must have "instances", a list of customers (v2: "inputs").')

    async def predict(
        self,
        payload: _Batch,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Score a validated batch; the answer is the response body of its protocol. With COMPARISON_HEADER among
        the `headers` it is no traffic, and not counted."""
        if len(payload.rows) <= FEW_ROWS:
            scores = self._scorer.probabilities(payload.rows)
        else:
            # It takes longer than a probe's answer should wait for.
            loop = asyncio.get_running_loop()
            scores = await loop.run_in_executor(self._batches, self._scorer.probabilities, payload.rows)
        probabilities: list[float] = scores.tolist()
        if COMPARISON_HEADER not in (headers or ()):
            self._metrics.scored(probabilities)
        return self._body(payload.tensors, probabilities)

    def get_input_types(self) -> list[dict[str, Any]]:
        """Input tensors for the v2 model metadata."""
        return tensors.input_types(self._contract)

    def get_output_types(self) -> list[dict[str, Any]]:
        """Output tensors for the v2 model metadata."""
        return tensors.output_types()

    def _body(self, request: TensorRequest | None, probabilities: list[float]) -> dict[str, Any]:
        positive, negative = self._contract.positive_label, self._contract.negative_label
        classes = [positive if probability > 0.5 else negative for probability in probabilities]
        if request is None:
            return {
                "predictions": [
                    {"class": label, "probability": probability}
                    for label, probability in zip(classes, probabilities, strict=True)
                ],
                "model_name": self.name,
                "model_version": self.identity.version,
            }
        return {
            "model_name": self.name,
            "model_version": self.identity.version,
            "id": request.request_id or str(uuid.uuid4()),
            "outputs": tensors.render(request.outputs, classes, probabilities),
        }
