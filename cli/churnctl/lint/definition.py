"""The CustomResourceDefinition that manifests are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from churnctl.errors import InputError

_FILE = "churnmodels.churnops.dev.yaml"


@dataclass(frozen=True)
class Definition:
    """What a definition says of one version.

    Attributes:
        schema: the structural schema, with CEL rules under x-kubernetes-validations.
    """

    group: str
    version: str
    kind: str
    schema: Mapping[str, Any]

    @property
    def api_version(self) -> str:
        """As in a manifest."""
        return f"{self.group}/{self.version}"


def read_definition(file: Path | None = None) -> Definition:
    """The definition in a file; by default the one that belongs to this churnctl.

    Raises:
        InputError: the file is no CustomResourceDefinition.
    """
    file = file or _our_own()
    try:
        document = yaml.load(file.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        spec = document["spec"]
        version = next(each for each in spec["versions"] if each["storage"])
        schema = version["schema"]["openAPIV3Schema"]
        return Definition(spec["group"], version["name"], spec["names"]["kind"], schema)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, KeyError, TypeError, StopIteration) as error:
        raise InputError(f"{file} is no CustomResourceDefinition.") from error


def _our_own() -> Path:
    """In the project's folder the generated file itself, which is always the newest; in a wheel, the copy in it."""
    generated = Path(__file__).parents[3] / "crds" / _FILE
    return generated if generated.is_file() else Path(__file__).parent / _FILE
