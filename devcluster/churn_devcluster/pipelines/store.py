"""Experiments and runs, in memory and in an SQLite file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from churn_devcluster.pipelines.answers import Refusal, RequestError
from churn_devcluster.pipelines.records import Experiment, Run

_SCHEMA = """
CREATE TABLE IF NOT EXISTS experiments (id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class Store:
    """Reads everything once; every change is on disk before the call returns. For one thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(_SCHEMA)
        self.experiments = {
            identifier: Experiment.model_validate_json(document)
            for identifier, document in self._connection.execute("SELECT id, document FROM experiments")
        }
        self.runs = {
            identifier: Run.model_validate_json(document)
            for identifier, document in self._connection.execute("SELECT id, document FROM runs")
        }

    def experiment(self, identifier: str) -> Experiment:
        """The experiment.

        Raises:
            RequestError: there is none.
        """
        try:
            return self.experiments[identifier]
        except KeyError as error:
            raise RequestError(Refusal.NOT_FOUND, f"Experiment {identifier} not found") from error

    def run(self, identifier: str) -> Run:
        """The run.

        Raises:
            RequestError: there is none.
        """
        try:
            return self.runs[identifier]
        except KeyError as error:
            raise RequestError(Refusal.NOT_FOUND, f"Run {identifier} not found") from error

    def put_experiment(self, experiment: Experiment) -> None:
        """Adds or replaces it."""
        self._put("experiments", experiment.id, experiment.model_dump_json())
        self.experiments[experiment.id] = experiment

    def put_run(self, run: Run) -> None:
        """Adds or replaces it."""
        self._put("runs", run.id, run.model_dump_json())
        self.runs[run.id] = run

    def delete_experiment(self, identifier: str) -> None:
        """Forgets it."""
        self._connection.execute("DELETE FROM experiments WHERE id = ?", (identifier,))
        self.experiments.pop(identifier, None)

    def delete_run(self, identifier: str) -> None:
        """Forgets it."""
        self._connection.execute("DELETE FROM runs WHERE id = ?", (identifier,))
        self.runs.pop(identifier, None)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def _put(self, table: str, identifier: str, document: str) -> None:
        self._connection.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (identifier, document))
