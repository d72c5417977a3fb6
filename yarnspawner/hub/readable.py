"""Times and sizes as the hub's pages show them."""

from __future__ import annotations

from hadoop_client.times import utc_time
from yarnspawner.launch.amounts import memory_text

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def utc(time_ms: int) -> str:
    """Format milliseconds since 1970 as a time in UTC, to the minute."""
    return f"{utc_time(time_ms):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """Format a duration in its largest unit, such as "3 minutes"."""
    whole = max(0, int(seconds))
    unit, length = next((unit for unit in UNITS if whole >= unit[1]), UNITS[-1])
    count = whole // length
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def memory(megabytes: int) -> str:
    """Format an amount in MiB: in GiB from one of these on."""
    return memory_text(megabytes << 20)
