"""What the endpoint remembers: experiments and runs."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class RunState(StrEnum):
    """RuntimeState of v2beta1, as far as a run on this machine can be in it."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"

    @property
    def finished(self) -> bool:
        """Whether a run in this state will not leave it by itself."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED)


class StorageState(StrEnum):
    """Whether a person has put it away."""

    AVAILABLE = "AVAILABLE"
    ARCHIVED = "ARCHIVED"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Experiment(_Frozen):
    """A group of runs; its namespace is where their Secrets are."""

    id: str
    display_name: str
    description: str = ""
    namespace: str = ""
    created_at: datetime
    storage_state: StorageState = StorageState.AVAILABLE


class StateChange(_Frozen):
    """One entry of a run's history."""

    state: RunState
    at: datetime


class Run(_Frozen):
    """One execution of a compiled pipeline."""

    id: str
    experiment_id: str
    display_name: str
    description: str = ""
    service_account: str = ""
    namespace: str = ""
    pipeline_spec: dict[str, Any]
    platform_spec: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    pipeline_root: str = ""
    created_at: datetime
    finished_at: datetime | None = None
    storage_state: StorageState = StorageState.AVAILABLE
    history: tuple[StateChange, ...] = Field(min_length=1)

    @property
    def state(self) -> RunState:
        """The latest state."""
        return self.history[-1].state

    def moved_to(self, state: RunState) -> Run:
        """This run in another state, from now on."""
        change = StateChange(state=state, at=now())
        finished_at = change.at if state.finished else None
        return self.model_copy(update={"history": (*self.history, change), "finished_at": finished_at})


def now() -> datetime:
    """The present, to the second: the precision in which Kubeflow Pipelines stores times."""
    return datetime.now(UTC).replace(microsecond=0)
