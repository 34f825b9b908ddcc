"""The operator's own metrics, and what the kernel says of its process."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Reading:
    """One scrape: samples by name, summed over labels."""

    sums: dict[str, float]

    @property
    def looked_at(self) -> int:
        """ChurnModels that have been through a pass since the start."""
        return int(self.sums["churn_operator_churnmodels"])

    @property
    def passes(self) -> int:
        """Passes so far."""
        return int(self.sums.get("churn_operator_passes_total", 0))

    @property
    def status_writes(self) -> int:
        """Status writes so far."""
        return int(self.sums["churn_operator_status_writes_total"])

    @property
    def queue_depth(self) -> int:
        """Keys that wait."""
        return int(self.sums["churn_operator_queue_depth"])

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the process."""
        return self.sums["process_cpu_seconds_total"]

    @property
    def resident_mebibytes(self) -> float:
        """Resident memory of the process."""
        return self.sums["process_resident_memory_bytes"] / MEBIBYTE


async def scrape(url: str) -> Reading:
    """Read the metrics once. Raises aiohttp.ClientError while the operator does not answer."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        text = await response.text()
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return Reading(sums)
