"""Queues and the applications that wait in them, as of requests that all waiting starts share.

The page of a start asks every few seconds. So each queue is requested at most every
`MAX_AGE_SECONDS`, for all starts together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo
from yarnspawner.hub.recent_answers import RecentAnswers
from yarnspawner.launcher.interface import Launcher
from yarnspawner.yarn_messages import CONTAINER_STARTED

MAX_AGE_SECONDS = 5.0


@dataclass(frozen=True)
class QueueView:
    """A queue as YARN reports it; `applications` have no container yet."""

    queue: QueueInfo | None
    applications: Sequence[ApplicationReport]


def is_waiting(report: ApplicationReport) -> bool:
    """Return whether an application waits for its container."""
    is_pending = report.state in (ApplicationState.SUBMITTED, ApplicationState.ACCEPTED)
    return is_pending and CONTAINER_STARTED not in report.diagnostics


class QueueViews:
    """The queues of a cluster as of the last requests, which all starts share."""

    def __init__(self) -> None:
        self._views = RecentAnswers[QueueView](MAX_AGE_SECONDS)

    async def view(self, launcher: Launcher, queue: str) -> QueueView:
        """Return a queue, at most `MAX_AGE_SECONDS` old; raises `ClusterError`."""
        return await self._views.get(queue, partial(_view, launcher, queue))


async def _view(launcher: Launcher, queue: str) -> QueueView:
    applications = await launcher.waiting_applications(queue)
    queues = await launcher.queues()
    leaf = queue.rpartition(".")[2]
    found = next((info for info in queues if info.name in (queue, leaf)), None)
    return QueueView(found, applications)
