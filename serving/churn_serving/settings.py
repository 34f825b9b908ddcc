"""What the server is told: arguments as KServe passes them, and the environment for the model's identity."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_URL = re.compile(r"https?://[^\s/?#]+[^\s?#]*")


class SettingsError(Exception):
    """An argument or variable is missing or wrong; the message says which and what to set."""


@dataclass(frozen=True)
class Peer:
    """The version that mirrored requests are compared with.

    Attributes:
        url: where its model server answers, without a slash at the end; /v1/models/… is below it.
        version: what it has to say of itself.
    """

    url: str
    version: str


@dataclass(frozen=True)
class Settings:
    """Everything that differs from one server process to the next.

    Attributes:
        model_name: name in the URL path.
        model_dir: folder with model.joblib and contract.json.
        host: address to bind.
        http_port: port to bind.
        model_version: version of the ChurnModel.
        model_sha256: expected hex digest; None when unverified files are allowed.
        maximum_instances: most customers in one request.
        maximum_body_bytes: longest request body.
        drain_seconds: how long to keep accepting connections after SIGTERM, not ready meanwhile.
        grace_seconds: how long requests in flight may take after that.
        log_requests: whether to log each request.
        peer: whose answers mirrored requests are compared with; None compares nothing.
    """

    model_name: str
    model_dir: Path
    host: str
    http_port: int
    model_version: str
    model_sha256: str | None
    maximum_instances: int
    maximum_body_bytes: int
    drain_seconds: float
    grace_seconds: int
    log_requests: bool
    peer: Peer | None = None


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Parse the command line and the variables that begin with CHURN_MODEL_ and CHURN_COMPARE_WITH.

    Raises:
        SettingsError: a variable is missing or malformed.
        SystemExit: argparse refused an argument.
    """
    parsed = argument_parser().parse_args(arguments)
    return Settings(
        model_name=parsed.model_name,
        model_dir=parsed.model_dir,
        host=parsed.host,
        http_port=parsed.http_port,
        model_version=_version(environment, "CHURN_MODEL_VERSION"),
        model_sha256=_sha256(environment),
        maximum_instances=parsed.max_instances,
        maximum_body_bytes=parsed.max_body_bytes,
        drain_seconds=parsed.drain_seconds,
        grace_seconds=parsed.grace_seconds,
        log_requests=parsed.log_requests,
        peer=_peer(environment),
    )


def argument_parser() -> argparse.ArgumentParser:
    """The command line; names are spelt as KServe's model servers spell them."""
    parser = argparse.ArgumentParser(
        prog="churn-serving",
        description="KServe model server of churn models. Reads CHURN_MODEL_SHA256 (required unless "
        "CHURN_MODEL_ALLOW_UNVERIFIED=1), CHURN_MODEL_VERSION, and for the comparison of mirrored requests "
        "CHURN_COMPARE_WITH and CHURN_COMPARE_WITH_VERSION from the environment.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--model_name", default="model", help="name in the URL path")
    add("--model_dir", type=Path, default=Path("/mnt/models"), help="folder of model.joblib and contract.json")
    add("--http_port", type=int, default=8080, help="port to listen on")
    add("--host", default="0.0.0.0", help="address to bind")
    add("--max_instances", type=_positive, default=1000, help="most instances in one request")
    add("--max_body_bytes", type=_positive, default=4 * 2**20, help="longest request body")
    add("--drain_seconds", type=float, default=0.0, help="keep accepting, not ready, after SIGTERM")
    add("--grace_seconds", type=_positive, default=30, help="time for requests in flight to end")
    add("--log_requests", action="store_true", help="log each request")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _version(environment: Mapping[str, str], variable: str) -> str:
    version = environment.get(variable, "")
    if not _VERSION.fullmatch(version):
        raise SettingsError(f"{variable} must be a model's version, e.g. 3 (letters, digits, . _ -), not {version!r}.")
    return version


def _peer(environment: Mapping[str, str]) -> Peer | None:
    url = environment.get("CHURN_COMPARE_WITH", "")
    if not url:
        return None
    if not _URL.fullmatch(url):
        raise SettingsError(
            f"CHURN_COMPARE_WITH must be the URL of a model server to compare with, e.g. http://churn-v1, not {url!r}."
        )
    return Peer(url.rstrip("/"), _version(environment, "CHURN_COMPARE_WITH_VERSION"))


def _sha256(environment: Mapping[str, str]) -> str | None:
    digest = environment.get("CHURN_MODEL_SHA256", "")
    if _SHA256.fullmatch(digest):
        return digest.lower()
    if not digest and environment.get("CHURN_MODEL_ALLOW_UNVERIFIED") == "1":
        return None
    raise SettingsError(
        f"CHURN_MODEL_SHA256 must be the 64 hex digits of model.joblib's sha256, not {digest!r}; to load a "
        "file that nobody vouches for, leave it out and set CHURN_MODEL_ALLOW_UNVERIFIED=1."
    )
