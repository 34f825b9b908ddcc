"""A proxy before an HTTP server: it records requests and loses answers or requests it is told to lose."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """`requests` are `METHOD /path?query`; `tokens` their Authorization headers.

    `lose_answer` and `lose_request` hold what the next request to lose starts with: the answer gets lost
    after the server has done it, the request before it gets there.
    """

    url: str = ""
    requests: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    lose_answer: str | None = None
    lose_request: str | None = None

    def count(self, start: str) -> int:
        """How many requests began like this."""
        return sum(request.startswith(start) for request in self.requests)


@contextmanager
def proxy_before(url: str) -> Iterator[Proxy]:
    """Run a proxy on a free port of loopback before the server at `url`."""
    upstream = urlsplit(url)
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            request = f"{self.command} {self.path}"
            proxy.requests.append(request)
            proxy.tokens.append(self.headers.get("Authorization"))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if proxy.lose_request is not None and request.startswith(proxy.lose_request):
                proxy.lose_request = None
                self.close_connection = True
                return
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
            try:
                connection.request(self.command, self.path, body, dict(self.headers.items()))
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if proxy.lose_answer is not None and request.startswith(proxy.lose_answer):
                proxy.lose_answer = None
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type") or "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _forward  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
