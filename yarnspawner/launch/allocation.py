"""What a container of YARN really takes: YARN rounds requests up. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hadoop_client.configuration import Configuration

MINIMUM = "yarn.scheduler.minimum-allocation-mb"
SCHEDULER = "yarn.resourcemanager.scheduler.class"
#: The FairScheduler's increments; the first that is set counts.
INCREMENTS = (
    "yarn.resource-types.memory-mb.increment-allocation",
    "yarn.scheduler.increment-allocation-mb",
)

#: Hadoop's default of all three properties, in MiB.
DEFAULT_MB = 1024


@dataclass(frozen=True)
class Allocation:
    """How a cluster rounds the memory of containers: up to multiples of `step_mb`, and to at least
    `minimum_mb`. `step_property` sets the step."""

    minimum_mb: int = DEFAULT_MB
    step_mb: int = DEFAULT_MB
    step_property: str = MINIMUM

    @classmethod
    def of(cls, configuration: Configuration) -> Allocation:
        """Read it from the hub's configuration, with Hadoop's defaults."""
        minimum = configuration.get_int(MINIMUM, DEFAULT_MB)
        if "fair" not in (configuration.get(SCHEDULER) or "").lower():
            return cls(minimum, max(1, minimum))
        step = next((key for key in INCREMENTS if configuration.get(key)), INCREMENTS[-1])
        return cls(minimum, max(1, _megabytes(configuration, step)), step)

    def container_mb(self, requested_mb: int) -> int:
        """Return the memory of the container that YARN gives for a request."""
        return math.ceil(max(requested_mb, self.minimum_mb) / self.step_mb) * self.step_mb


def _megabytes(configuration: Configuration, key: str) -> int:
    """Read an amount in MiB, which may have a unit as in `512 Mi` or `1Gi`."""
    value = (configuration.get(key) or "").strip()
    for unit, factor in (("Gi", 1024), ("Mi", 1)):
        if value.endswith(unit) and value.removesuffix(unit).strip().isdigit():
            return int(value.removesuffix(unit)) * factor
    return configuration.get_int(key, DEFAULT_MB)
