"""`churn-webapp`: the web app under gunicorn."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from dataclasses import fields
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from churn_webapp.application import create_app
from churn_webapp.settings import Settings

_EXIT_CONFIGURATION = 78
_ANSWER_SECONDS = 120

_log = logging.getLogger("churn_webapp")


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


def command_line() -> argparse.ArgumentParser:
    """No options: what there is to set is in the environment, as --help lists it."""
    settings = (f"  CHURN_{setting.name.upper()}={setting.default}" for setting in fields(Settings))
    return argparse.ArgumentParser(
        prog="churn-webapp",
        description="Serves predictions for people and the live story of every ChurnModel, until it is told to stop.",
        epilog="\n".join(
            (
                "settings of the environment, with their defaults:",
                *settings,
                "credentials of the object store:",
                "  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION",
            )
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def main() -> None:
    """Serves until SIGTERM; exit code 78 for a setting that cannot be used."""
    command_line().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = Settings.from_environment(os.environ)
        app = create_app(settings)
    except ValueError as error:
        print(f"churn-webapp: {error}", file=sys.stderr)
        sys.exit(_EXIT_CONFIGURATION)
    if not settings.secret_key:
        _log.warning("CHURN_SECRET_KEY is not set: logins and open forms end with this process")
    Server(app, settings).run()


if __name__ == "__main__":
    main()
