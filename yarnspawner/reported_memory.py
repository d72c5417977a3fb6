"""The memory that a server uses, from YARN's report of its application. Pure.

YARN's reports have the memory that a container was granted, and not what it uses. But they pass on
the progress that an application master sends with each heartbeat, and a server has no other.
"""

from __future__ import annotations

from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.container.scheduler import FULL_BYTES
from yarnspawner.tags import APPLICATION_TYPE


def used_memory_mb(report: ApplicationReport, granted_mb: int) -> int | None:
    """Return the memory in use that a server last reported, in MiB; None if it reported none.

    skein's application master reports another progress, and so did earlier releases: 0.5. A
    container cannot use twice what it was granted, because YARN would end it.
    """
    if report.type != APPLICATION_TYPE:
        return None
    used_mb = round(report.progress * FULL_BYTES / (1 << 20))
    return used_mb if 0 < used_mb < 2 * granted_mb else None
