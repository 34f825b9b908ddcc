"""KFP's runs as the core knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from churn_operator.core.observation import Run, RunState

_STATES = {
    "PENDING": RunState.PENDING,
    "RUNNING": RunState.RUNNING,
    "SUCCEEDED": RunState.SUCCEEDED,
    "SKIPPED": RunState.SUCCEEDED,
    "FAILED": RunState.FAILED,
    "CANCELED": RunState.CANCELED,
}
_ACTIVE = ("RUNTIME_STATE_UNSPECIFIED", "PENDING", "RUNNING", "CANCELING", "PAUSED")
_EPOCH = datetime.fromtimestamp(0, UTC)

_EQUALS = 1
_IN = 8


def state_of(state: str | None) -> RunState:
    """The state; one that is not known has not ended, as far as anybody can tell."""
    return _STATES.get(state or "", RunState.RUNNING)


def run_of(run: Any, ui: str) -> Run:
    """Read a V2beta1Run. `ui` is the URL of KFP's page."""
    return Run(
        id=run.run_id,
        name=run.display_name or "",
        state=state_of(run.state),
        created=_aware(run.created_at),
        url=_page(ui, run.run_id),
        error="; ".join(dict.fromkeys(_errors(run))),
    )


def listed_run(raw: Mapping[str, Any], ui: str) -> Run:
    """Read a run of a listing's JSON that has not ended. Raises ValueError or KeyError where it is none."""
    created = raw.get("created_at")
    return Run(
        id=raw["run_id"],
        name=raw.get("display_name") or "",
        state=state_of(raw.get("state")),
        created=_aware(datetime.fromisoformat(created) if created else None),
        url=_page(ui, raw["run_id"]),
    )


def oldest(runs: list[Any]) -> Any | None:
    """The run that was created first; by id among those of the same moment."""
    return min(runs, key=lambda run: (_aware(run.created_at), run.run_id), default=None)


def named(display_name: str) -> str:
    """The filter for runs or experiments of this display name."""
    predicate = {"operation": _EQUALS, "key": "display_name", "stringValue": display_name}
    return json.dumps({"predicates": [predicate]})


def active() -> str:
    """The filter for runs that have not ended."""
    predicate = {"operation": _IN, "key": "state", "stringValues": {"values": list(_ACTIVE)}}
    return json.dumps({"predicates": [predicate]})


def is_run_of(model_name: str, run_name: str) -> bool:
    """Whether a run is named `<model name>-<ten hex digits>-<attempt>`."""
    return re.fullmatch(rf"{re.escape(model_name)}-[0-9a-f]{{10}}-[0-9]+", run_name) is not None


def _page(ui: str, run_id: str) -> str:
    return f"{ui.rstrip('/')}/#/runs/details/{run_id}"


def _aware(moment: datetime | None) -> datetime:
    if moment is None:
        return _EPOCH
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _errors(run: Any) -> Iterator[str]:
    """What KFP says of a failure: of the run first, then of its tasks. Often nothing."""
    if run.error is not None and run.error.message:
        yield run.error.message
    details = run.run_details.task_details if run.run_details is not None else None
    for task in details or ():
        if task.error is not None and task.error.message:
            yield f"{task.display_name}: {task.error.message}"
