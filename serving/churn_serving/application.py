"""The server process: settings, model, server, and the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from churn_serving.artifact import ArtifactError
from churn_serving.loading import load_model
from churn_serving.server import ChurnModelServer
from churn_serving.settings import SettingsError, read_settings


def serve(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM.

    Returns:
        0 stopped, 65 the model is not what was promised, 66 no model, 78 a variable is missing or wrong.
    """
    try:
        settings = read_settings(arguments, environment)
        model, metrics = load_model(settings)
    except SettingsError as error:
        print(f"churn-serving: {error}", file=sys.stderr)
        return os.EX_CONFIG
    except ArtifactError as error:
        print(f"churn-serving: {error}", file=sys.stderr)
        return error.exit_code
    ChurnModelServer(settings, metrics).start([model])
    return os.EX_OK
