"""The kubeconfig, found and merged as kubectl does it.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from churnctl.errors import InputError, NotFoundError
from churnctl.options import Place

_FILE_FIELDS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_LISTS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def kubeconfig_files(place: Place) -> list[Path]:
    """The files to read, the first one counts most: --kubeconfig, else $KUBECONFIG, else ~/.kube/config."""
    if place.kubeconfig is not None:
        return [place.kubeconfig]
    named = os.environ.get("KUBECONFIG", "")
    if named:
        return [Path(each).expanduser() for each in named.split(os.pathsep) if each]
    return [Path.home() / ".kube" / "config"]


def read_kubeconfig(place: Place) -> dict[str, Any] | None:
    """The merged kubeconfig with absolute paths, or None where there is none.

    Raises:
        InputError: a file is no kubeconfig, or --kubeconfig names none.
    """
    files = kubeconfig_files(place)
    if place.kubeconfig is not None and not place.kubeconfig.is_file():
        raise InputError(f"There is no kubeconfig {place.kubeconfig}: correct --kubeconfig.")
    documents = [_read(file) for file in files if file.is_file()]
    return merged(documents) if documents else None


def merged(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The first file that sets a value or a named entry wins."""
    whole: dict[str, Any] = {name: [] for name in _LISTS}
    for document in documents:
        if document.get("current-context"):
            whole.setdefault("current-context", document["current-context"])
        for name in _LISTS:
            known = {entry["name"] for entry in whole[name]}
            whole[name] += [entry for entry in document.get(name) or [] if entry.get("name") not in known]
    return whole


def current_context(config: Mapping[str, Any], place: Place) -> str:
    """The name of the context to use.

    Raises:
        NotFoundError: there is none of that name, or none is current.
    """
    names = [entry["name"] for entry in config["contexts"]]
    wanted = place.context or config.get("current-context")
    if not wanted:
        raise NotFoundError("The kubeconfig has no current context: choose one with --context.")
    if wanted not in names:
        known = ", ".join(names) or "none"
        raise NotFoundError(f'There is no context "{wanted}" in the kubeconfig; there is: {known}.')
    return str(wanted)


def in_cluster() -> bool:
    """Whether this runs in a pod that has a ServiceAccount."""
    return (_IN_CLUSTER / "token").is_file() and "KUBERNETES_SERVICE_HOST" in os.environ


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.load(file.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"The kubeconfig {file} cannot be read: {error}.") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(f"{file} is no kubeconfig.")
    for name, inner in _LISTS.items():
        for entry in _entries(document, name, inner, file):
            _make_absolute(entry.get(inner) or {}, file)
    return document


def _entries(document: Mapping[str, Any], name: str, inner: str, file: Path) -> list[dict[str, Any]]:
    """The named entries of a list. Raises InputError where something else stands there."""
    entries = document.get(name) or []
    if not isinstance(entries, list):
        raise InputError(f"{file} is no kubeconfig: {name} is no list.")
    for place, entry in enumerate(entries):
        good = isinstance(entry, dict) and isinstance(entry.get("name"), str)
        if not good or not isinstance(entry.get(inner) or {}, dict):
            raise InputError(f"{file} is no kubeconfig: {name}[{place}] has no name, or its {inner} is no map.")
    return entries


def _make_absolute(settings: dict[str, Any], file: Path) -> None:
    for field in _FILE_FIELDS:
        if settings.get(field):
            settings[field] = str(file.absolute().parent / Path(str(settings[field])).expanduser())
    plugin = settings.get("exec")
    if isinstance(plugin, dict) and os.sep in str(plugin.get("command")):
        plugin["command"] = str(file.absolute().parent / str(plugin["command"]))
