"""What the control loop records while Envoy takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from churn_devcluster.dataplane import revisions
from churn_devcluster.dataplane.controller import Controller, Settings
from churn_devcluster.dataplane.model import TransitionStatus

from tests.unit.dataplane.test_revisions import READY, rolled_out


class Nothing:
    """An API server without objects."""

    def objects(self, resource: object) -> list[dict[str, Any]]:
        return []


class Busy:
    """An Envoy; `meanwhile` happens while it takes its routes."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None

    async def apply(self, routing: object) -> None:
        self.meanwhile()


async def test_a_server_that_came_up_meanwhile_is_not_told_before_it_has_its_traffic(tmp_path: Path) -> None:
    envoy = Busy()
    settings = Settings(tmp_path, envoy_port=1)
    controller = Controller(settings, Nothing(), envoy, asyncio.Event())  # type: ignore[arg-type]
    service = rolled_out("one").apply("two", 10).service
    controller._services = {service.uid: service}
    ready = revisions.observe(service, "m-predictor-00002", READY)
    envoy.meanwhile = lambda: controller._services.update({ready.uid: ready})

    async def routed() -> tuple[TransitionStatus, set[str]]:
        await controller._route({service.uid: {}}, set(), set())
        now = controller._services[service.uid]
        return now.model.transition, {share.revision_name for share in now.effective}

    assert await routed() == (TransitionStatus.IN_PROGRESS, {"m-predictor-00001"})
    envoy.meanwhile = lambda: None
    assert await routed() == (TransitionStatus.UP_TO_DATE, {"m-predictor-00001", "m-predictor-00002"})
