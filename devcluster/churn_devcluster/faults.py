"""Which versions of a model are bad, and how: a file that the demo and tests write and model servers read."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

FAULTS_VARIABLE = "CHURN_FAULTS_FILE"

logger = logging.getLogger(__name__)


class Faults(BaseModel):
    """What is wrong with one version.

    Attributes:
        error_share: probability, from 0 to 1, that a valid request is answered with 500.
        slow_factor: how many times as long as a good model it takes over a request.
        shift_scores: added to every probability, which stays between 0 and 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    error_share: float = Field(default=0, ge=0, le=1)
    slow_factor: float = Field(default=1, ge=1)
    shift_scores: float = Field(default=0, ge=-1, le=1)


_FILE = TypeAdapter(dict[str, Faults])
_NONE = Faults()


def write_faults(path: Path, faults: Mapping[str, Faults]) -> None:
    """Makes these versions bad from now on, and all others good; the keys are values of CHURN_MODEL_VERSION."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(_FILE.dump_json(dict(faults), by_alias=True, indent=1))
    os.replace(partial, path)  # noqa: PTH105


class FaultsFile:
    """The faults of one version, read again when the file changes: a promoted version may turn bad."""

    def __init__(self, path: Path, version: str) -> None:
        """Without a file nothing is wrong."""
        self._path = path
        self._version = version
        self._seen: tuple[int, int] | None = None
        self._faults = _NONE

    def current(self) -> Faults:
        """What is wrong now; a file that cannot be understood changes nothing, and is logged once."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._seen, self._faults = None, _NONE
            return _NONE
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen != self._seen:
            self._seen = seen
            try:
                self._faults = _FILE.validate_json(self._path.read_bytes()).get(self._version, _NONE)
            except (ValidationError, OSError) as error:
                logger.error("%s is ignored: %s", self._path, error)
        return self._faults


def faulty_runtime(runtime: Mapping[str, Any], faults_file: Path) -> dict[str, Any]:
    """The manifest of a ClusterServingRuntime whose servers obey `faults_file`, made from that of a good one.

    What the operator writes stays as it is: it is the runtime that brings the bad versions about.
    """
    changed: dict[str, Any] = json.loads(json.dumps(runtime))
    container = changed["spec"]["containers"][0]
    container["command"] = ["python", "-m", "churn_devcluster.faulty_server"]
    others = [each for each in container.get("env") or () if each["name"] != FAULTS_VARIABLE]
    container["env"] = [*others, {"name": FAULTS_VARIABLE, "value": str(faults_file.absolute())}]
    return changed
