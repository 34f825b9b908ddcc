"""`churn-serving`: serve one model folder."""

from __future__ import annotations

import os
import sys

from churn_serving.artifact import ArtifactError
from churn_serving.loading import load_model
from churn_serving.server import ChurnModelServer
from churn_serving.settings import SettingsError, read_settings


def main() -> int:
    """Serve until SIGTERM; exit codes are 0 stopped, 65 bad model, 66 no model, 78 bad environment."""
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        model, metrics = load_model(settings)
    except SettingsError as error:
        print(f"churn-serving: {error}", file=sys.stderr)
        return os.EX_CONFIG
    except ArtifactError as error:
        print(f"churn-serving: {error}", file=sys.stderr)
        return error.exit_code
    ChurnModelServer(settings, metrics).start([model])
    return 0


if __name__ == "__main__":
    sys.exit(main())
