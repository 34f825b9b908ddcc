"""The Metrics port: a real Prometheus that scraped real model servers, and metrics pages with a past."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from churn_devcluster.ports import free_port
from churn_devcluster.processes import Process
from churn_devcluster.prometheus import Prometheus
from churn_operator.adapters.kserve.gateway import (
    COMPARE_WITH_VARIABLE,
    COMPARE_WITH_VERSION_VARIABLE,
    MIRROR_HEADER,
)
from churn_operator.adapters.prometheus import PrometheusMetrics
from churn_operator.core.analysis.samples import Comparisons, TrafficSample, VersionSample
from churn_operator.core.live_traffic import TrafficQuestion, TrafficWindow
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import Rejected, Transient

from tests.integration.adapters.failing_model import FAILS, save_failing_model
from tests.integration.adapters.receiver import until

pytestmark = pytest.mark.cluster

_REPOSITORY = Path(__file__).parents[3]
_OLD = timedelta(hours=1)


class Scraped:
    """A Prometheus and its targets."""

    def __init__(self, prometheus: Prometheus, targets: Path) -> None:
        self.prometheus = prometheus
        self._file = targets
        self._groups: list[dict[str, object]] = []

    def add(self, port: int, namespace: str) -> None:
        labels = {"job": "model-servers", "namespace": namespace, "pod": f"pod-{port}"}
        self._groups.append({"targets": [f"127.0.0.1:{port}"], "labels": labels})
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(self._groups))
        partial.replace(self._file)

    def value(self, query: str) -> float | None:
        found = self.prometheus.query(query)
        return float(found[0]["value"][1]) if found else None

    async def until(self, query: str, value: float) -> None:
        await until(lambda: self.value(query) == value, 240)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    folder = tmp_path_factory.mktemp("prometheus")
    targets = folder / "targets.json"
    targets.write_text("[]")
    with Prometheus(folder, targets) as running:
        yield Scraped(running, targets)


class ModelServer:
    """A churn-serving process."""

    def __init__(self, folder: Path, sha256: str, version: int, **variables: str) -> None:
        self.port = free_port()
        environment = os.environ | {
            "CHURN_MODEL_SHA256": sha256,
            "CHURN_MODEL_VERSION": str(version),
            "PYTHONPATH": str(_REPOSITORY),
            **variables,
        }
        command = [sys.executable, "-m", "churn_serving", "--model_name=telco", f"--model_dir={folder}"]
        listening = [f"--http_port={self.port}", "--host=127.0.0.1"]
        log = folder / f"server-{version}.log"
        self.process = Process(f"model server {version}", [*command, *listening], log, environment)

    async def ready(self) -> None:
        await until(self._is_ready, 300)

    def ask(self, *tenures: float) -> list[int]:
        """One request a customer; the status codes."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60) as client:
            bodies = [{"instances": [{"tenure": tenure}]} for tenure in tenures]
            return [client.post("/v1/models/telco:predict", json=body).status_code for body in bodies]

    def copy(self, *tenures: float) -> int:
        """One request with all of these customers, as a gateway mirrors it to version 2; the status code."""
        body = {"instances": [{"tenure": tenure} for tenure in tenures]}
        url = f"http://127.0.0.1:{self.port}/v1/models/telco:predict"
        return httpx.post(url, json=body, headers={MIRROR_HEADER: "2"}, timeout=60).status_code

    def _is_ready(self) -> bool:
        assert self.process.running, self.process.log_tail()
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/v2/health/ready", timeout=10).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[[int], ModelServer]]:
    sha256 = save_failing_model(tmp_path)
    with ExitStack() as stack:

        def start(version: int) -> ModelServer:
            server = ModelServer(tmp_path, sha256, version)
            server.process.start()
            stack.callback(server.process.stop)
            return server

        yield start


@pytest.fixture
async def metrics() -> AsyncIterator[PrometheusMetrics]:
    running = PrometheusMetrics()
    yield running
    await running.close()


@pytest.fixture
def namespace() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def _now() -> datetime:
    return datetime.now(UTC)


def _question(scraped: Scraped, namespace: str, *moments: datetime) -> TrafficQuestion:
    windows = tuple(TrafficWindow(start, end) for start, end in pairwise(moments))
    key = ObjectKey(namespace, "telco")
    return TrafficQuestion(scraped.prometheus.url, key, 1, 2, windows, timedelta(seconds=5))


def _requests(namespace: str, version: int, name: str = "requests_total") -> str:
    return f'sum(churn_prediction_{name}{{namespace="{namespace}", version="{version}"}})'


def _figures(sample: VersionSample) -> tuple[float, float, float, float]:
    return sample.requests, sample.errors, sample.latency.total, sample.scores.total


async def test_every_query_counts_exactly_from_the_first_request_of_each_version(
    scraped: Scraped, start_server: Callable[[int], ModelServer], namespace: str, metrics: PrometheusMetrics
) -> None:
    stable = start_server(1)
    await stable.ready()
    assert set(stable.ask(*[50.0] * 30, FAILS)) == {200, 500}
    scraped.add(stable.port, namespace)
    await scraped.until(_requests(namespace, 1), 31)
    begin = _now()

    candidate = start_server(2)
    await candidate.ready()
    assert stable.ask(*[20.0] * 20, FAILS, FAILS, -1.0) == [*[200] * 20, 500, 500, 400]
    assert candidate.ask(*[90.0] * 10, FAILS) == [*[200] * 10, 500]
    # What happened before it was first scraped counts as well.
    scraped.add(candidate.port, namespace)
    await scraped.until(_requests(namespace, 2), 11)
    await scraped.until(_requests(namespace, 1), 54)
    middle = _now()

    assert candidate.ask(*[40.0] * 7) == [200] * 7
    assert candidate.ask(FAILS) == [500]
    await scraped.until(_requests(namespace, 2), 19)
    await scraped.until(_requests(namespace, 2, 'errors_total{reason="Internal"}').replace("}{", ", "), 2)
    question = _question(scraped, namespace, begin, middle, _now())

    first, second = await metrics.traffic(question)
    assert _figures(first.stable) == (23, 2, 23, 20)
    assert _figures(first.candidate) == (11, 1, 11, 10)
    assert _figures(second.stable) == (0, 0, 0, 0)
    assert _figures(second.candidate) == (8, 1, 8, 7)
    scores = dict(zip(first.candidate.scores.bounds, first.candidate.scores.counts, strict=True))
    assert (scores[0.9], scores[1.0], scores[math.inf]) == (10, 0, 0)
    scores = dict(zip(first.stable.scores.bounds, first.stable.scores.counts, strict=True))
    assert scores[0.2] == 20
    assert first.candidate.latency.bounds[:2] == (0.0005, 0.001)


async def test_comparisons_are_counted_with_their_disagreements_and_failures(
    scraped: Scraped,
    start_server: Callable[[int], ModelServer],
    tmp_path: Path,
    namespace: str,
    metrics: PrometheusMetrics,
) -> None:
    stable = start_server(1)
    other = tmp_path / "turned"
    peer = {COMPARE_WITH_VARIABLE: f"http://127.0.0.1:{stable.port}", COMPARE_WITH_VERSION_VARIABLE: "1"}
    candidate = ModelServer(other, save_failing_model(other, turned=True), 2, **peer)
    begin = _now()
    with candidate.process:
        await asyncio.gather(stable.ready(), candidate.ready())
        scraped.add(stable.port, namespace)
        scraped.add(candidate.port, namespace)
        answered = [candidate.copy(*each) for each in ((90,), (90,), (10,), (50, 90), (50,), (-1.0,), (FAILS,))]
        assert answered == [200, 200, 200, 200, 200, 400, 500]
        assert candidate.ask(90.0, 90.0) == [200, 200]
        await scraped.until(_counted_by(namespace, "churn_mirrored_comparisons_total"), 5)
        stable.process.stop()
        assert candidate.copy(90) == candidate.copy(90) == 200
        await scraped.until(_counted_by(namespace, "churn_mirrored_comparison_failures_total"), 2)
        [window] = _question(scraped, namespace, begin, _now()).windows
        question = replace(_question(scraped, namespace, begin, _now()), windows=(replace(window, compared=True),))
        [sample] = await metrics.traffic(question)
    assert sample.comparisons == Comparisons(copies=9, compared=5, differing=3.5, failures=(("Unreachable", 2.0),))
    assert sample.candidate.requests == 11
    assert (sample.stable.requests, sample.stable.scores.total) == (0, 0), "what is asked to compare is no traffic"


def _counted_by(namespace: str, metric: str) -> str:
    return f'sum({metric}{{namespace="{namespace}", version="2", compared_with="1"}})'


class Page(ThreadingHTTPServer):
    """A metrics page that a test writes."""

    text = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _PageHandler)
        self.port = int(self.server_address[1])

    def write(self, started: datetime, **requests: float) -> None:
        """Requests by code of version 1, of a process that started then; any number of codes."""
        lines = [
            f"process_start_time_seconds {started.timestamp():.3f}",
            'churn_model_info{model="telco",version="1",sha256="aaaa"} 1',
            "# TYPE churn_prediction_requests_total counter",
        ]
        for code, count in requests.items():
            labels = f'model="telco",version="1",protocol="v1",code="{code.removeprefix("c")}"'
            lines.append(f"churn_prediction_requests_total{{{labels}}} {count}")
        self.text = "\n".join(lines) + "\n"


class _PageHandler(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        content = self.server.text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def _counted(metrics: PrometheusMetrics, question: TrafficQuestion) -> float:
    [sample] = await metrics.traffic(question)
    return sample.stable.requests


async def test_a_series_that_begins_later_counts_from_its_first_sample(
    scraped: Scraped, page: Page, namespace: str, metrics: PrometheusMetrics
) -> None:
    page.write(_now() - _OLD, c200=1000)
    scraped.add(page.port, namespace)
    await scraped.until(_requests(namespace, 1), 1000)
    begin = _now()
    page.write(_now() - _OLD, c200=1001, c500=3)
    await scraped.until(_requests(namespace, 1), 1004)
    assert await _counted(metrics, _question(scraped, namespace, begin, _now())) == 4


async def test_what_nobody_scraped_when_the_window_began_is_not_taken_for_its_requests(
    scraped: Scraped, page: Page, namespace: str, metrics: PrometheusMetrics
) -> None:
    begin = _now()
    page.write(_now() - _OLD, c200=1000)
    scraped.add(page.port, namespace)
    await scraped.until(_requests(namespace, 1), 1000)
    page.write(_now() - _OLD, c200=1010)
    await scraped.until(_requests(namespace, 1), 1010)
    # Prometheus extrapolates here; what counts is that a thousand old ones do not.
    assert 5 <= await _counted(metrics, _question(scraped, namespace, begin, _now())) <= 30


async def test_a_process_that_was_restarted_in_its_place_goes_on_counting(
    scraped: Scraped, page: Page, namespace: str, metrics: PrometheusMetrics
) -> None:
    page.write(_now() - _OLD, c200=1000)
    scraped.add(page.port, namespace)
    await scraped.until(_requests(namespace, 1), 1000)
    begin = _now()
    page.write(_now() - _OLD, c200=1020)
    await scraped.until(_requests(namespace, 1), 1020)
    page.write(_now(), c200=5)
    await scraped.until(_requests(namespace, 1), 5)
    page.write(_now(), c200=15)
    await scraped.until(_requests(namespace, 1), 15)
    assert 15 <= await _counted(metrics, _question(scraped, namespace, begin, _now())) <= 60


async def test_no_series_is_no_request(scraped: Scraped, namespace: str, metrics: PrometheusMetrics) -> None:
    question = _question(scraped, namespace, _now() - timedelta(minutes=1), _now())
    assert await metrics.traffic(question) == (TrafficSample(VersionSample(0, 0), VersionSample(0, 0)),)


@pytest.fixture
def question(scraped: Scraped, namespace: str) -> TrafficQuestion:
    """A minute in which nothing was asked: not a moment more, which would be a step more for a subquery."""
    now = _now()
    return _question(scraped, namespace, now - timedelta(minutes=1), now)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("scalar(vector(2.5))", 2.5),
        ("vector($candidate) - $stable", 1.0),
        ('sum(churn_prediction_requests_total{namespace="$namespace"})', None),
        ("vector(0) / vector(0)", None),
        ("vector(1) / vector(0)", None),
        ('label_replace(vector(7), "a", "$$1", "b", "(.*)")', 7.0),
        ("sum_over_time(vector(1)[$window:$interval])", 12.0),
    ],
)
async def test_a_users_template_is_measured(
    metrics: PrometheusMetrics, question: TrafficQuestion, template: str, value: float | None
) -> None:
    measurement = await metrics.measure(question, "mine", template)
    assert (measurement.name, measurement.value) == ("mine", value)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("sum(rate(x[5m])", r"check mine: .*parse error: unclosed left parenthesis"),
        ("sum($nothing)", r"check mine: there is no variable \$nothing"),
        ("vector(1) or label_replace(vector(2), 'a', 'b', '', '')", "check mine: the query gives 2 values"),
        ("x[5m]", "check mine: the query gives a matrix"),
    ],
)
async def test_a_users_template_that_is_wrong_is_refused_in_prometheus_words(
    metrics: PrometheusMetrics, question: TrafficQuestion, template: str, message: str
) -> None:
    with pytest.raises(Rejected, match=message):
        await metrics.measure(question, "mine", template)


def _elsewhere(question: TrafficQuestion, address: str) -> TrafficQuestion:
    return TrafficQuestion(
        address, question.key, question.stable, question.candidate, question.windows, question.interval
    )


async def test_prometheus_away_is_no_sample(
    metrics: PrometheusMetrics, question: TrafficQuestion, closed_port: int
) -> None:
    away = _elsewhere(question, f"http://127.0.0.1:{closed_port}")
    with pytest.raises(Transient, match="cannot be reached"):
        await metrics.traffic(away)
    with pytest.raises(Transient, match="cannot be reached"):
        await metrics.measure(away, "mine", "vector(1)")


async def test_prometheus_that_hangs_is_given_up(question: TrafficQuestion, silent_port: int) -> None:
    metrics = PrometheusMetrics(seconds=0.2)
    async with asyncio.timeout(120):
        with pytest.raises(Transient, match=r"did not answer within 0\.2 s"):
            await metrics.traffic(_elsewhere(question, f"http://127.0.0.1:{silent_port}"))
    await metrics.close()


async def test_another_address_of_the_same_server_is_no_prometheus(
    metrics: PrometheusMetrics, question: TrafficQuestion
) -> None:
    with pytest.raises(Rejected, match="is this the address of Prometheus"):
        await metrics.traffic(_elsewhere(question, f"{question.prometheus}/nothing/here"))
