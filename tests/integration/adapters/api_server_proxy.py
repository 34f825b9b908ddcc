"""A proxy before the API server that lets watches stream, and lets listings expire as etcd's compaction does."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

_EXPIRED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "The provided continue parameter is too old to display a consistent list result.",
    "reason": "Expired",
    "code": 410,
}
_CHUNK = 65536


@dataclass
class ApiServerProxy:
    """`expiring` is how many further pages of listings are answered with 410; `watches` counts the watches that are
    open, by path. While it is `deaf`, what watches tell is lost."""

    url: str = ""
    expiring: int = 0
    expired: int = 0
    deaf: bool = False
    watches: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def expires(self, query: dict[str, list[str]]) -> bool:
        """Whether this request is for a page that is no more."""
        with self._lock:
            if "continue" not in query or self.expired >= self.expiring:
                return False
            self.expired += 1
            return True

    @contextmanager
    def watching(self, path: str, query: dict[str, list[str]]) -> Iterator[None]:
        """Count an answer that is a watch while it lasts."""
        one = int("watch" in query)
        with self._lock:
            self.watches[path] += one
        try:
            yield
        finally:
            with self._lock:
                self.watches[path] -= one

    def write_kubeconfig(self, path: Path) -> Path:
        """A kubeconfig that leads here; the proxy has the administrator's certificate."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": {"server": self.url}}],
            "users": [{"name": "anybody", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "anybody"}}],
            "current-context": "proxy",
        }
        path.write_text(yaml.safe_dump(document))
        return path


def _end_with(client: socket.socket, upstream: socket.socket | None) -> None:
    """A client that goes away ends its watch, which may have nothing to tell for a long time."""
    with suppress(OSError):
        client.recv(1, socket.MSG_PEEK)
        if upstream is not None:
            upstream.shutdown(socket.SHUT_RDWR)


@contextmanager
def api_server_proxy(server: str, tls: ssl.SSLContext) -> Iterator[ApiServerProxy]:
    """Run a proxy on a free port of loopback before the API server at `server`."""
    upstream, proxy = urlsplit(server), ApiServerProxy()

    class Handler(BaseHTTPRequestHandler):
        def _forward(self) -> None:
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if proxy.expires(query):
                self._answer(410, "application/json")
                self.wfile.write(json.dumps(_EXPIRED).encode())
                return
            connection = http.client.HTTPSConnection(upstream.hostname or "", upstream.port, context=tls, timeout=300)
            try:
                headers = {name: value for name, value in self.headers.items() if name != "Accept-Encoding"}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                threading.Thread(target=_end_with, args=(self.connection, connection.sock), daemon=True).start()
                self._answer(answer.status, answer.getheader("Content-Type") or "application/json")
                with proxy.watching(path, query), suppress(OSError, http.client.HTTPException):
                    while chunk := answer.read1(_CHUNK):
                        if proxy.deaf and "watch" in query:
                            continue
                        self.wfile.write(chunk)
                        self.wfile.flush()
            finally:
                connection.close()

        def _answer(self, status: int, kind: str) -> None:
            """HTTP/1.0: the end of the connection is that of the answer."""
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server_of_proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server_of_proxy.daemon_threads = True
    server_of_proxy.block_on_close = False
    proxy.url = f"http://127.0.0.1:{server_of_proxy.server_address[1]}"
    thread = threading.Thread(target=server_of_proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server_of_proxy.shutdown()
        thread.join()
        server_of_proxy.server_close()
