"""One pass: observe, decide, act, write the status once if it differs, then tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from churn_operator.api.reading import write_status
from churn_operator.core.actions import Decision, RemoveFinalizer
from churn_operator.core.decide import decide
from churn_operator.core.observation import ObjectKey, Observation, Subject
from churn_operator.errors import Conflict, NotFound
from churn_operator.ports import Cluster
from churn_operator.reconcile.act import Actor
from churn_operator.reconcile.herald import Herald
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.observe import Observer
from churn_operator.reconcile.store import ObjectStore
from churn_operator.reconcile.subject import subject_of, with_unread_versions

AT_ONCE = timedelta(0)
AFTER_FAULT = timedelta(seconds=5)


@dataclass(frozen=True)
class Reconciler:
    """Brings one ChurnModel at a time closer to its wish. Any pass may be repeated, or die anywhere."""

    store: ObjectStore
    observer: Observer
    actor: Actor
    cluster: Cluster
    herald: Herald
    metrics: LoopMetrics
    may_act: Callable[[], bool] = lambda: True
    """Whether nobody else may be at the same object: asked after the world was looked at, which can take long."""

    async def reconcile_once(self, key: ObjectKey) -> timedelta | None:
        """Answers when to look again; None: only when something changes. Raises AdapterError if the status
        could not be written."""
        raw = self.store.get(key)
        if raw is None:
            self.metrics.forget(key)
            return None
        subject = subject_of(raw)
        observation = await self.observer.observe(subject)
        if not self.may_act():
            return None
        decision = decide(observation)
        decision, written = await self._act(observation, decision)
        if any(isinstance(action, RemoveFinalizer) for action in decision.actions):
            return None
        self.metrics.in_phase(key, decision.status.phase)
        if not await self._write(subject, raw, written, decision):
            return AT_ONCE
        self.metrics.analysed(key, decision.status.rollout.analysis)
        self.metrics.about_models.show(key, subject.spec, decision.status)
        self.herald.tell(subject, decision, observation.now)
        return decision.requeue_after

    async def _act(self, observation: Observation, decision: Decision) -> tuple[Decision, Mapping[str, Any] | None]:
        """Execute the actions. After a fault the world is judged anew with the fault in sight, and nothing
        further is done in this pass."""
        key = observation.subject.key
        acted = await self.actor.execute(key, decision.actions)
        if acted.written is not None:
            self.store.put(key, acted.written)
        if acted.fault is None:
            return decision, acted.written
        again = decide(replace(observation, faults=(acted.fault,)))
        pause = max(again.requeue_after or AFTER_FAULT, AFTER_FAULT)
        return replace(again, actions=(), requeue_after=pause), acted.written

    async def _write(
        self, subject: Subject, raw: Mapping[str, Any], written: Mapping[str, Any] | None, decision: Decision
    ) -> bool:
        """One status write, and only if it differs. Answers False if the object changed meanwhile: then the
        pass has to be repeated on what it is now."""
        status = with_unread_versions(write_status(decision.status), subject.status, raw.get("status"))
        if status == raw.get("status"):
            return True
        version = (written or raw)["metadata"]["resourceVersion"]
        try:
            answer = await self.cluster.write_status(subject.key, status, version)
        except Conflict:
            await self._refresh(subject.key)
            return False
        except NotFound:
            self.store.remove(subject.key)
            return False
        self.store.put(subject.key, answer)
        self.metrics.status_writes.inc()
        return True

    async def _refresh(self, key: ObjectKey) -> None:
        current = await self.cluster.read(key)
        if current is None:
            self.store.remove(key)
        else:
            self.store.replace(key, current)
