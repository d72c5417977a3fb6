"""What the spawner needs of YARN: a small interface, and one snapshot of it for all servers.

`Cluster` is what a launcher offers. `StatusBoard` answers every server's poll:

- One snapshot for all servers of this hub, by their tag, and a burst of polls shares it.
- A server is alive, ended or unknown. Unknown is never ended: not when YARN is away, and not when
  a ResourceManager that is just recovering does not know the application yet.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from yarnspawner.hadoop.records import Resource
from yarnspawner.hadoop.reports import ApplicationReport
from yarnspawner.launch import LaunchSpec

FORGOTTEN_AFTER_SECONDS = 60.0
"""How long a ResourceManager has to say that it doesn't know an application until that is believed:
in the first seconds after its restart it knows none of those that it is about to recover."""

log = logging.getLogger(__name__)


class ClusterError(Exception):
    """YARN did not do what it was asked; one sentence that says why."""


class ClusterAway(ClusterError):
    """YARN does not answer; names what was tried."""


class ClusterRefused(ClusterError):
    """YARN answered with an exception of its own."""


class Cluster(Protocol):
    """YARN, on behalf of one hub. Every method may raise `ClusterError`, in bounded time."""

    async def new_application(self) -> tuple[str, Resource]:
        """Get an application id, and what one container may have at most."""

    async def submit(self, application_id: str, spec: LaunchSpec) -> None:
        """Submit the application as its user; raises `SpawnFailure` where YARN refuses it."""

    async def list_applications(self, tag: str) -> list[ApplicationReport]:
        """Return the reports of all applications that carry `tag` and have not ended."""

    async def report(self, application_id: str) -> ApplicationReport | None:
        """Return one application's report, None where YARN does not know it."""

    async def server_address(self, user: str, report: ApplicationReport) -> tuple[str, int]:
        """Return the node on which YARN runs the server, and the port it registered."""

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        """Ask YARN, as the user, to end an application; without effect on one that has ended.

        YARN may take a while, and may want to be asked again.
        """


class Life(enum.Enum):
    """Where an application stands, as far as is known."""

    ALIVE = "alive"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Status:
    """What is known of an application. `report` is None where YARN has none."""

    life: Life
    report: ApplicationReport | None = None


UNKNOWN = Status(Life.UNKNOWN)


def status_of(report: ApplicationReport) -> Status:
    """Read a report."""
    return Status(Life.ENDED if report.state.ended else Life.ALIVE, report)


class StatusBoard:
    """The states of all servers of one hub."""

    def __init__(
        self, cluster: Cluster, tag: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cluster = cluster
        self._tag = tag
        self._clock = clock
        self._reports: dict[str, ApplicationReport] = {}
        self._taken = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None
        self._missing_since: dict[str, float] = {}

    async def status(self, application_id: str, max_age: float) -> Status:
        """Return an application's status, at most `max_age` seconds old. Never raises for YARN."""
        try:
            if self._clock() - self._taken > max_age:
                await self._refresh()
            report = self._reports.get(application_id) or await self._cluster.report(application_id)
        except ClusterError as error:
            log.warning("The state of %s is unknown for now: %s", application_id, error)
            # Whoever comes back has not had the time yet to know it again.
            self._missing_since.clear()
            return UNKNOWN
        if report is None:
            return self._missing(application_id)
        self._missing_since.pop(application_id, None)
        return status_of(report)

    async def _refresh(self) -> None:
        """Take one look for everybody who waits. Shielded: one caller's cancellation is its own."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._take_snapshot())
        await asyncio.shield(self._refreshing)

    async def _take_snapshot(self) -> None:
        reports = await self._cluster.list_applications(self._tag)
        self._reports = {str(report.application_id): report for report in reports}
        self._taken = self._clock()

    def _missing(self, application_id: str) -> Status:
        since = self._missing_since.setdefault(application_id, self._clock())
        if self._clock() - since < FORGOTTEN_AFTER_SECONDS:
            return UNKNOWN
        return Status(Life.ENDED)
