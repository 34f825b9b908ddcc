"""The state file of each service: what a restart of the data plane must not forget."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from pydantic import ValidationError

from churn_devcluster.dataplane.model import Service

logger = logging.getLogger(__name__)


class StateFolder:
    """One JSON file a service, named by its uid, and beside it the models its revisions downloaded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._written: dict[str, Service] = {}

    def load(self) -> dict[str, Service]:
        """Every readable service by uid; a file of another version of this program is left alone."""
        found: dict[str, Service] = {}
        for path in sorted(self._folder.glob("*/service.json")):
            try:
                service = Service.model_validate_json(path.read_text())
            except (ValidationError, OSError) as error:
                logger.warning("cannot read %s, its service starts afresh: %s", path, error)
                continue
            found[service.uid] = service
        self._written = dict(found)
        return found

    def save(self, service: Service) -> None:
        """Writes the service, whole or not at all, if it differs from what was written last."""
        if self._written.get(service.uid) == service:
            return
        path = self._folder / service.uid / "service.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(service.model_dump_json(indent=1))
        os.replace(partial, path)  # noqa: PTH105
        self._written[service.uid] = service

    def model_folder(self, service: Service, revision: str) -> Path:
        """Where the storage initializer of a revision puts the model."""
        return self._folder / service.uid / "models" / revision

    def remove_model(self, service: Service, revision: str) -> None:
        """Removes the downloaded model of a revision that is stopped."""
        shutil.rmtree(self.model_folder(service, revision), ignore_errors=True)

    def remove(self, uid: str) -> None:
        """Removes everything of a service."""
        shutil.rmtree(self._folder / uid, ignore_errors=True)
        self._written.pop(uid, None)
