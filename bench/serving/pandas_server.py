"""The baseline: the model server that a data scientist writes first.

A `kserve.Model` under the stock `kserve.ModelServer` that makes a DataFrame of the instances and asks the
fitted Pipeline. It validates nothing, counts nothing, and answers the same probabilities. The one change
to the stock server is its address, because a benchmark does not open a port to the network.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import joblib
import kserve
import kserve.model_server
import pandas as pd
from churn_report import DataContract
from kserve.protocol.rest.server import RESTServer


class LoopbackRESTServer(RESTServer):  # type: ignore[misc]
    """Binds 127.0.0.1."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.config.host = "127.0.0.1"


class PandasModel(kserve.Model):  # type: ignore[misc]
    """One DataFrame a request."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self._pipeline = joblib.load(folder / "model.joblib")
        self._contract = DataContract.model_validate_json((folder / "contract.json").read_bytes())
        self.load()

    def predict(self, payload: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Class and probability of every instance."""
        frame = pd.DataFrame(payload["instances"])[list(self._contract.names)]
        probabilities = self._pipeline.predict_proba(frame)[:, 1]
        return {
            "predictions": [
                {"class": "Yes" if probability > 0.5 else "No", "probability": float(probability)}
                for probability in probabilities
            ]
        }


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    parser.add_argument("--model_dir", type=Path, required=True)
    wish = parser.parse_args()
    kserve.model_server.RESTServer = LoopbackRESTServer
    kserve.ModelServer(http_port=wish.http_port, enable_grpc=False).start(
        [PandasModel(wish.model_name, wish.model_dir)]
    )


if __name__ == "__main__":
    main()
