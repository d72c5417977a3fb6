"""The states of all servers of one hub, from requests to YARN that all their polls share.

- A server is alive, ended or unknown. Unknown is never ended: neither if YARN does not answer, nor
  if a recovering ResourceManager does not list the application yet. A ResourceManager that was not
  restarted since it gave out the id is believed at once.
- One request is for all running servers and one for all starting servers, whose shorter answer
  allows a higher rate. A burst of polls shares a request.
- An application that is in neither answer is requested by its id, a few at a time. This holds for
  all of them while a list is too large: any user can copy a hub's tag.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hadoop_client.yarn.records import ALIVE, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.interface import ClusterAnswerTooLargeError, ClusterError, Launcher

#: The states of applications that do not run yet.
PENDING = tuple(state for state in ALIVE if state is not ApplicationState.RUNNING)

#: How long a ResourceManager must not know an application before it counts as ended: in the first
#: seconds after a restart it knows none of those that it is about to recover.
FORGOTTEN_AFTER_SECONDS = 60.0

#: How many applications are requested by id at the same time.
SINGLE_CALLS = 8

#: The pause before the next list after one that was too large.
LIST_PAUSE_SECONDS = 60.0

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
    """The state of an application; `report` is None if YARN has none."""

    life: Liveness
    report: ApplicationReport | None = None


UNKNOWN = Status(Liveness.UNKNOWN)


def status_of(report: ApplicationReport, submission: Submission) -> Status:
    """Return what a report says about the application that the hub submitted."""
    if not submission.matches(report):
        return Status(Liveness.FOREIGN, report)
    return Status(Liveness.ENDED if report.state.ended else Liveness.ALIVE, report)


class Snapshot:
    """The applications of one tag in some states, as of the last request."""

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
        self._paused_until = float("-inf")
        self.failed = False
        self.reports: Mapping[str, ApplicationReport] = {}

    @property
    def age(self) -> float:
        """Its age in seconds; infinite before the first request."""
        return self._clock() - self._taken

    @property
    def is_too_large(self) -> bool:
        """Whether the last list was too large, so that there are no reports."""
        return self._clock() < self._paused_until

    async def refresh(self, max_age: float) -> None:
        """Make it at most `max_age` seconds old, with one request for all callers that wait.

        While YARN's list is too large, there are no reports.
        """
        if self.age <= max_age or self.is_too_large:
            return
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._take())
            # All callers may have been cancelled when it fails.
            self._refreshing.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._refreshing)  # a cancelled caller cancels only itself

    async def _take(self) -> None:
        asked = self._clock()
        try:
            self.reports = await self._launcher.list_applications(self._tag, self._states)
        except ClusterAnswerTooLargeError as error:
            self.reports = {}
            self._paused_until = self._clock() + LIST_PAUSE_SECONDS
            log.warning("Requesting the state of each server by its id for a minute. %s", error)
        except ClusterError as error:
            self.failed = True
            log.warning("The state of all servers is unknown for now: %s", error)
            raise
        self._taken = asked
        self.failed = False


class StatusCache:
    """The states of all servers of one hub; unknown if YARN does not answer."""

    def __init__(
        self, launcher: Launcher, tag: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._launcher = launcher
        self._clock = clock
        self._alive = Snapshot(launcher, tag, ALIVE, clock)
        self._pending = Snapshot(launcher, tag, PENDING, clock)
        self._missing_since: dict[str, float] = {}
        self._singles = asyncio.Semaphore(SINGLE_CALLS)

        #: The number of pending starts.
        self.starting = 0

    @property
    def age(self) -> float:
        """The age of the states of the running servers, in seconds."""
        return self._alive.age

    @contextmanager
    def track_start(self) -> Iterator[None]:
        """Count one more pending start while the context lasts."""
        self.starting += 1
        try:
            yield
        finally:
            self.starting -= 1

    @property
    def is_unknown(self) -> bool:
        """Whether the last request for the states of the running servers failed."""
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
        if self._alive.is_too_large:
            raise ClusterAnswerTooLargeError("YARN's list of applications is too large.")
        return self._alive.reports

    async def _look(self, snapshot: Snapshot, submission: Submission, max_age: float) -> Status:
        application_id = submission.application_id
        try:
            await snapshot.refresh(max_age)
            report = snapshot.reports.get(application_id) or await self._ask(application_id)
            if report is None:
                return await self._missing(application_id)
        except ClusterError:
            # A ResourceManager that comes back needs time to recover its applications.
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
        """Return whether YARN has not known an application, or a start, for long enough."""
        now = self._clock()
        return now - self._missing_since.setdefault(name, now) >= FORGOTTEN_AFTER_SECONDS
