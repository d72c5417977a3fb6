"""The states of all servers of one hub, from one look at YARN that all their polls share.

- A server is alive, ended or unknown. Unknown is never ended: not when YARN is away, and not when
  a ResourceManager that is just recovering does not know the application yet. One that has not been
  restarted since it gave out the id is believed at once.
- One call answers for all running servers, and one for all that are starting, which may look more
  often because their answer is short. A burst of polls shares the call.
- An application that is in no such answer is asked for singly, a few at a time.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.interface import ALIVE, PENDING, ClusterError, Launcher

#: How long a ResourceManager has to say that it doesn't know an application until that is believed:
#: in the first seconds after its restart it knows none of those that it is about to recover.
FORGOTTEN_AFTER_SECONDS = 60.0

#: How many applications are asked for singly at the same time.
SINGLE_CALLS = 8

log = logging.getLogger(__name__)


class Liveness(enum.Enum):
    """Where an application stands, as far as is known."""

    ALIVE = "alive"
    ENDED = "ended"
    UNKNOWN = "unknown"

    #: The id belongs to an application that this hub did not submit: ours does not exist.
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Status:
    """What is known of an application. `report` is None where YARN has none."""

    life: Liveness
    report: ApplicationReport | None = None


UNKNOWN = Status(Liveness.UNKNOWN)


def status_of(report: ApplicationReport, submission: Submission) -> Status:
    """Return what a report says about the application that the hub submitted."""
    if not submission.matches(report):
        return Status(Liveness.FOREIGN, report)
    return Status(Liveness.ENDED if report.state.ended else Liveness.ALIVE, report)


class Snapshot:
    """The applications of one tag in some states, as they were when YARN was last asked."""

    def __init__(
        self,
        launcher: Launcher,
        tag: str,
        states: Sequence[ApplicationState],
        clock: Callable[[], float],
    ) -> None:
        self._launcher = launcher
        self._tag = tag
        self._states = states
        self._clock = clock
        self._taken = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None
        self.failed = False
        self.reports: Mapping[str, ApplicationReport] = {}

    @property
    def age(self) -> float:
        """How old it is, in seconds; infinite before the first."""
        return self._clock() - self._taken

    async def refresh(self, max_age: float) -> None:
        """Make it at most `max_age` seconds old, by one call for everybody who waits."""
        if self.age <= max_age:
            return
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._take())
            # Nobody may be left to be told of its failure.
            self._refreshing.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._refreshing)  # one caller's cancellation is its own

    async def _take(self) -> None:
        asked = self._clock()
        try:
            self.reports = await self._launcher.list_applications(self._tag, self._states)
        except ClusterError as error:
            self.failed = True
            log.warning("The state of all servers is unknown for now: %s", error)  # once for all
            raise
        self._taken = asked
        self.failed = False


class StatusCache:
    """The states of all servers of one hub. A status is unknown where YARN is away."""

    def __init__(
        self, launcher: Launcher, tag: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._launcher = launcher
        self._clock = clock
        self._alive = Snapshot(launcher, tag, ALIVE, clock)
        self._pending = Snapshot(launcher, tag, PENDING, clock)
        self._missing_since: dict[str, float] = {}
        self._singles = asyncio.Semaphore(SINGLE_CALLS)

        #: How many starts are waited for.
        self.starting = 0

    @property
    def age(self) -> float:
        """How old the states of the running servers are, in seconds."""
        return self._alive.age

    @contextmanager
    def track_start(self) -> Iterator[None]:
        """Count one more start that is waited for, as long as the context lasts."""
        self.starting += 1
        try:
            yield
        finally:
            self.starting -= 1

    @property
    def is_unknown(self) -> bool:
        """Whether YARN did not tell the states of the running servers when it was last asked."""
        return self._alive.failed

    async def status(self, submission: Submission, max_age: float) -> Status:
        """Return a running application's status, at most `max_age` seconds old."""
        return await self._look(self._alive, submission, max_age)

    async def starting_status(self, submission: Submission, max_age: float) -> Status:
        """Return the status of an application that is not running yet, or has just become so."""
        return await self._look(self._pending, submission, max_age)

    async def find(self, submission: Submission, max_age: float) -> Status:
        """Return the status of a start by its tag, if the hub does not know its application id."""
        try:
            reports = await self.applications(max_age)
        except ClusterError:
            self._missing_since.clear()
            return UNKNOWN
        for report in reports.values():
            if submission.matches(report):
                self._missing_since.pop(submission.tag, None)
                return status_of(report, submission)
        return Status(Liveness.ENDED) if self._is_forgotten(submission.tag) else UNKNOWN

    async def applications(self, max_age: float) -> Mapping[str, ApplicationReport]:
        """Return all applications of this hub that have not ended, by their ids; raises
        `ClusterError`."""
        await self._alive.refresh(max_age)
        return self._alive.reports

    async def _look(self, snapshot: Snapshot, submission: Submission, max_age: float) -> Status:
        application_id = submission.application_id
        try:
            await snapshot.refresh(max_age)
            report = snapshot.reports.get(application_id) or await self._ask(application_id)
            if report is None:
                return await self._missing(application_id)
        except ClusterError:
            # Whoever comes back has not had the time yet to know it again.
            self._missing_since.clear()
            return UNKNOWN
        self._missing_since.pop(application_id, None)
        return status_of(report, submission)

    async def _ask(self, application_id: str) -> ApplicationReport | None:
        async with self._singles:
            return await self._launcher.report(application_id)

    async def _missing(self, application_id: str) -> Status:
        if self._is_forgotten(application_id):
            return Status(Liveness.ENDED)
        async with self._singles:
            issued = await self._launcher.has_issued(application_id)
        return Status(Liveness.ENDED) if issued else UNKNOWN

    def _is_forgotten(self, name: str) -> bool:
        """Tell whether YARN has not known an application, or a start, for long enough."""
        now = self._clock()
        return now - self._missing_since.setdefault(name, now) >= FORGOTTEN_AFTER_SECONDS
