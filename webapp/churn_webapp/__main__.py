"""`churn-webapp`: the web app under gunicorn."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from churn_webapp.application import create_app
from churn_webapp.settings import Settings

_EXIT_CONFIGURATION = 78
_ANSWER_SECONDS = 120


class Server(BaseApplication):  # type: ignore[misc]
    """One process with threads: predictions are kept in its memory, and everything it does is waiting for others."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """gunicorn's settings."""
        host = self._settings.bind_address
        address = f"[{host}]" if ":" in host else host
        options: dict[str, Any] = {
            "bind": f"{address}:{self._settings.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": self._settings.threads,
            "timeout": _ANSWER_SECONDS,
            "graceful_timeout": 30,
            "keepalive": 30,
            "proc_name": "churn-webapp",
            # Its default is a file in the home folder, and the root file system may be read-only.
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._app


def main() -> None:
    """Serves until SIGTERM; exit code 78 for a setting that cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = Settings.from_environment(os.environ)
        app = create_app(settings)
    except ValueError as error:
        print(f"churn-webapp: {error}", file=sys.stderr)
        sys.exit(_EXIT_CONFIGURATION)
    Server(app, settings).run()


if __name__ == "__main__":
    main()
