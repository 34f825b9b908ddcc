"""Structured logs: a JSON object a line (or text for a terminal), with namespace and name, never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_WORDS = ("token", "password", "secret_key", "access_key", "authorization", "credential")


def configure_logs(form: str, level: str) -> None:
    """Send everything, our own lines and the libraries', through one formatter to standard error.

    Raises ValueError for an unknown form or level.
    """
    renderers: dict[str, structlog.typing.Processor] = {
        "json": structlog.processors.JSONRenderer(),
        "text": structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
    }
    if form not in renderers:
        raise ValueError(f"CHURN_LOG_FORMAT={form!r} is not one of {', '.join(renderers)}")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level.upper()),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder({"k8s_ref"}), _name_object],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderers[form]],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in (
        "urllib3",
        "kfp",
        "kfp_server_api",
        "kopf.activities",
        "kopf.objects",
        "aiohttp.access",
        "kubernetes",
    ):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every key that names a secret."""
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = "***"
    return event


def _name_object(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """kopf names the object in one field; our lines have namespace and name."""
    reference = event.pop("k8s_ref", None)
    if isinstance(reference, dict):
        event.setdefault("namespace", reference.get("namespace"))
        event.setdefault("name", reference.get("name"))
    return event
