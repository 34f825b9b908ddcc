"""HTTP to what users name: Prometheus, webhooks, a sink of CloudEvents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from churn_operator.errors import Rejected, Transient

_CONNECT_SECONDS = 3.0
_CHUNK = 65536


@dataclass(frozen=True)
class Answer:
    """Status and body, of which at most as much was read as was asked for."""

    status: int
    text: str
    retry_after: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


def shown(url: str) -> str:
    """What may be said of an address in a condition, an event or a log: who was asked. Its path or query may be the
    secret of a webhook, and what stands before the @ is a password."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return "what is given"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


class HttpSession:
    """Requests that end by a deadline and follow no redirect: what a user named is what is asked, and a redirect
    is an answer like any other. Opened at first use, in the running event loop; close it there."""

    def __init__(self, source: str, connections: int = 32, per_host: int = 0) -> None:
        """`source` names the other side in errors; of the connections at most `per_host` go to one, unless it is 0."""
        self._source = source
        self._connections = connections
        self._per_host = per_host
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self,
        url: str,
        body: bytes | Mapping[str, str],
        headers: Mapping[str, str],
        seconds: float,
        most: int = 4096,
    ) -> Answer:
        """POST `body`, or a form, and read at most `most` bytes of the answer within `seconds`.

        Raises Rejected for an address that is none, and Transient where there is no answer.
        """
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(_CONNECT_SECONDS, seconds))
        try:
            async with self._opened().post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = bytearray()
                async for chunk in response.content.iter_chunked(_CHUNK):
                    content += chunk
                    if len(content) >= most:
                        break
                text = _decoded(bytes(content[:most]), response.charset)
                return Answer(response.status, text, response.headers.get("Retry-After"))
        except aiohttp.InvalidURL as error:
            raise Rejected(self._source, f"{shown(url)} is no address") from error
        except TimeoutError as error:
            raise Transient(self._source, f"{shown(url)} did not answer within {seconds:g} s") from error
        except aiohttp.ClientResponseError as error:
            # Its own text has the whole address.
            raise Transient(self._source, f"what {shown(url)} answered is not HTTP") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Transient(self._source, f"{shown(url)} cannot be reached: {error or type(error).__name__}") from error

    async def close(self) -> None:
        """Close all connections; harmless when none was opened."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Not trust_env: it would read the environment and ~/.netrc for each request. And no cookies: what one
            # team's receiver sets is not for another team's calls.
            connector = aiohttp.TCPConnector(limit=self._connections, limit_per_host=self._per_host)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return content.decode(errors="replace")
