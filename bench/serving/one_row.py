"""One customer a request: churn_serving against a plain pandas pipeline in KServe's own server.

    python bench/serving/one_row.py [--algorithm logisticRegression] [--seconds 5] [--json]

Trains a model on invented customers for each algorithm, starts both servers on the same artifact, and
sends both the same requests in turns, so that what else the machine does hits both. Latency is measured
with one connection, throughput with `--connections`. Exits with 1 when a target of DESIGN 6 is missed:
at least 5 times the throughput, and a p50 below 2 ms.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from churn_report import ColumnKind, DataContract

ALGORITHMS = ("logisticRegression", "histGradientBoosting", "randomForest")
LEAST_RATIO, MOST_P50_MS = 5.0, 2.0
_TURNS = 4


@dataclass(frozen=True)
class Measurement:
    """One algorithm; throughputs in requests a second, latencies of one connection in milliseconds."""

    algorithm: str
    throughput: float
    pandas_throughput: float
    ratio: float
    p50_ms: float
    p99_ms: float
    pandas_p50_ms: float

    @property
    def meets_targets(self) -> bool:
        """Both rows of DESIGN 6."""
        return self.ratio >= LEAST_RATIO and self.p50_ms < MOST_P50_MS


class Connection:
    """A kept connection that sends one prebuilt request again and again."""

    def __init__(self, port: int, request: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request

    def send(self) -> float:
        """Seconds from the request to the end of its answer; raises RuntimeError if it is not a 200."""
        started = time.perf_counter()
        self._socket.sendall(self._request)
        answer = self._socket.recv(65536)
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._socket.recv(65536)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError((head + body).decode())
        return time.perf_counter() - started

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def latencies(port: int, request: bytes, seconds: float) -> list[float]:
    """Seconds of each request of one connection."""
    connection = Connection(port, request)
    end = time.perf_counter() + seconds
    taken = []
    while time.perf_counter() < end:
        taken.append(connection.send())
    connection.close()
    return taken


def throughput(port: int, request: bytes, seconds: float, connections: int) -> float:
    """Requests a second of several connections at once."""
    counts = [0] * connections

    def work(index: int) -> None:
        counts[index] = len(latencies(port, request, seconds))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def measure(folder: Path, customers: Path, algorithm: str, seconds: float, connections: int) -> Measurement:
    """Train, serve twice, send."""
    model = folder / algorithm / "model"
    _run("churn_trainer", "train", "--data", str(customers), "--out", str(model.parent), "--algorithm", algorithm)
    request = _request(model, customers)
    here = Path(__file__).parent
    with ExitStack() as stack:
        ours = _start(stack, ["-m", "churn_serving", "--host=127.0.0.1"], model)
        theirs = _start(stack, [str(here / "pandas_server.py")], model)
        for port in (ours, theirs):
            latencies(port, request, 1)
        turn = seconds / _TURNS
        our_latencies, their_latencies, our_rates, their_rates = [], [], [], []
        for _ in range(_TURNS):
            our_latencies += latencies(ours, request, turn)
            their_latencies += latencies(theirs, request, turn)
            our_rates.append(throughput(ours, request, turn, connections))
            their_rates.append(throughput(theirs, request, turn, connections))
    our_rate, their_rate = statistics.mean(our_rates), statistics.mean(their_rates)
    return Measurement(
        algorithm=algorithm,
        throughput=our_rate,
        pandas_throughput=their_rate,
        ratio=our_rate / their_rate,
        p50_ms=1e3 * statistics.median(our_latencies),
        p99_ms=1e3 * statistics.quantiles(our_latencies, n=100)[98],
        pandas_p50_ms=1e3 * statistics.median(their_latencies),
    )


def main() -> int:
    """Print a line an algorithm; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--algorithm", choices=ALGORITHMS, action="append", help="may be repeated; all if left out")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each of four measurements takes")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    wish = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as name:
        customers = Path(name) / "customers.csv"
        _run("churn_trainer", "generate", "--rows", "3000", "--out", str(customers))
        for algorithm in wish.algorithm or ALGORITHMS:
            measured = measure(Path(name), customers, algorithm, wish.seconds, wish.connections)
            missed |= not measured.meets_targets
            print(json.dumps(asdict(measured)) if wish.json else _line(measured), flush=True)
    return int(missed)


def _line(measured: Measurement) -> str:
    return (
        f"{measured.algorithm:22} {measured.throughput:7.0f} requests/s against {measured.pandas_throughput:5.0f}: "
        f"{measured.ratio:5.1f} times (target {LEAST_RATIO:g}); p50 {measured.p50_ms:.2f} ms "
        f"(target < {MOST_P50_MS:g}), p99 {measured.p99_ms:.2f} ms, pandas p50 {measured.pandas_p50_ms:.2f} ms"
        f"{'' if measured.meets_targets else '  MISSED'}"
    )


def _request(model: Path, customers: Path) -> bytes:
    contract = DataContract.model_validate_json((model / "contract.json").read_bytes())
    with customers.open() as lines:
        line = next(line for line in csv.DictReader(lines) if all(value.strip() for value in line.values()))
    customer: dict[str, Any] = {
        column.name: line[column.name] if column.kind is ColumnKind.CATEGORY else float(line[column.name])
        for column in contract.columns
    }
    body = json.dumps({"instances": [customer]}).encode()
    head = (
        "POST /v1/models/churn:predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _start(stack: ExitStack, command: list[str], model: Path) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    arguments = ["--model_name=churn", f"--model_dir={model}", f"--http_port={port}"]
    # Both get one OpenMP thread: with more, boosting on a busy machine takes a hundred times as long.
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "CHURN_MODEL_ALLOW_UNVERIFIED": "1", "CHURN_MODEL_VERSION": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, *command, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    deadline = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return port
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not start") from None
            time.sleep(0.1)


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
