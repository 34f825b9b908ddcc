"""kubectl, as an administrator of the devcluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn_devcluster.errors import DevclusterError
from churn_devcluster.waiting import wait_until

_SECONDS = 120
_ESTABLISHED_SECONDS = 120


@dataclass(frozen=True)
class Kubectl:
    """One program, one kubeconfig, and a folder for what kubectl caches."""

    program: Path
    kubeconfig: Path
    home: Path

    def __call__(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """Standard output of `kubectl <arguments>`; `stdin` is what `-f -` reads.

        Raises:
            DevclusterError: kubectl failed; the message is its own.
        """
        command = [self.program, f"--kubeconfig={self.kubeconfig}", *arguments]
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, timeout=_SECONDS, env=environment, check=True
            )
        except subprocess.CalledProcessError as error:
            raise DevclusterError(error.stderr.strip()) from error
        except subprocess.TimeoutExpired as error:
            raise DevclusterError(f"kubectl gave no answer within {_SECONDS} s.") from error
        return done.stdout

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Server-side apply of objects.

        Raises:
            DevclusterError: the API server refuses one.
        """
        document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(document))

    def install_definitions(self, folder: Path) -> None:
        """Applies every CustomResourceDefinition of the folder and waits until the objects of each can be listed.

        Raises:
            DevclusterError: one is refused, or not served in time.
        """
        self("apply", "--server-side", "--force-conflicts", f"--filename={folder}")
        wait_until(lambda: self._established(folder), f"the definitions of {folder}", _ESTABLISHED_SECONDS)

    def _established(self, folder: Path) -> bool:
        # `kubectl wait` is no help: it fails on a definition so fresh that its conditions are null.
        answer = json.loads(self("get", f"--filename={folder}", "--output=json"))
        definitions = answer.get("items", [answer])
        return all(_is_established(each) for each in definitions) and all(self._is_listed(each) for each in definitions)

    def _is_listed(self, definition: Mapping[str, Any]) -> bool:
        """An established definition answers 404 at first, and then 429 while its storage is made."""
        spec = definition["spec"]
        served = [version["name"] for version in spec["versions"] if version["served"]]
        try:
            for version in served:
                self("get", "--raw", f"/apis/{spec['group']}/{version}/{spec['names']['plural']}?limit=1")
        except DevclusterError:
            return False
        return True


def _is_established(definition: Mapping[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
