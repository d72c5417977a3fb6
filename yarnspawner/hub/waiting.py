"""What a start waits for: its queue's memory, the applications before it, the user's own servers.

Pure: from YARN's reports to what the template shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hadoop_client.printable import printable
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.queue_views import QueueView, is_waiting
from yarnspawner.hub.readable import memory
from yarnspawner.hub.server_card import ServerCard


@dataclass(frozen=True)
class OwnServer:
    """Another server of the same user in the queue."""

    name: str
    memory: str


@dataclass(frozen=True)
class Waiting:
    """What a template shows of a start that waits for its container.

    `others` applications wait in the queue too, `earlier` of them for longer. Amounts are phrases,
    and empty if YARN does not report them.
    """

    queue: str
    used: str
    total: str
    others: int
    earlier: int
    own: Sequence[OwnServer]


def waiting_of(
    report: ApplicationReport, view: QueueView, own: Iterable[ServerCard]
) -> Waiting | None:
    """Return what a start waits for, or None if it has a container. `own` are the cards of all
    servers of its user."""
    if not is_waiting(report):
        return None
    queue = report.queue.removeprefix("root.")
    others = [
        other
        for other in view.applications
        if other.application_id != report.application_id and is_waiting(other)
    ]
    submitted = _submitted(report)
    statistics = view.queue.statistics if view.queue else None
    used = total = ""
    if statistics is not None:
        used = memory(statistics.allocated_memory_mb)
        total = memory(statistics.allocated_memory_mb + statistics.available_memory_mb)
    return Waiting(
        printable(queue),
        used,
        total,
        len(others),
        sum(_submitted(other) < submitted for other in others),
        [
            OwnServer(printable(card.name), memory(card.memory_mb))
            for card in own
            if card.queue == queue and card.memory_mb and card.state == "running"
        ],
    )


def _submitted(report: ApplicationReport) -> tuple[int, int]:
    return report.submit_time or report.start_time, report.application_id.id
