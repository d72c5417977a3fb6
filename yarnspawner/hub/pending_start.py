"""One start, from the submit until the server listens: what YARN says, told on the way.

- It ends as soon as YARN says that the application has ended, with the reason.
- It ends in time, with the last that YARN has said, also where a look is not answered.
- What the application master registered is believed for the port only; the host is the node on
  which YARN itself says that the container runs.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.failures import ClusterUnavailableError, ForeignApplicationError, SpawnError
from yarnspawner.hub.progress import ProgressLog, container_started, describe
from yarnspawner.hub.status import Liveness, Status, StatusCache, status_of
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.interface import ClusterError, Container, Launcher, Phase
from yarnspawner.metrics import START_FAILURES, STATE_SECONDS
from yarnspawner.yarn_messages import explain_end, explain_timeout

POLL_SECONDS, SHORTEST_POLL_SECONDS = 0.25, 0.1

#: At up to a hundred starts together: a burst of them is not to keep the hub busy. A few may be
#: looked at more often, as a server that is ready waits for the next look.
LOOKS_PER_SECOND = 400

#: How often the node is asked what it does with the container: only to tell it to a person.
NODE_POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


@contextmanager
def start_failures() -> Iterator[None]:
    """Count a start that fails; a cluster that is away is told in words for who waits."""
    try:
        yield
    except ClusterError as error:
        START_FAILURES.labels(ClusterUnavailableError.stable_reason).inc()
        raise ClusterUnavailableError.for_now(str(error)) from error
    except SpawnError as failure:
        START_FAILURES.labels(failure.stable_reason).inc()
        raise


def poll_seconds(starting: int, *, on_node: bool) -> float:
    """Return how long each of so many starts waits until its next look. One that is not on a node
    yet, and may wait in a full queue, can't be ready."""
    if not on_node:
        return POLL_SECONDS
    return min(POLL_SECONDS, max(SHORTEST_POLL_SECONDS, starting / LOOKS_PER_SECOND))


def states_between(before: ApplicationState, after: ApplicationState) -> Iterator[ApplicationState]:
    """Return what YARN led an application through from one look to the next, unseen."""
    return (each for each in ApplicationState if before < each < after)


class PendingStart:
    """A submitted application whose server does not listen yet.

    `is_new`: this hub has just submitted it. YARN then leads it through all states from the first
    on, and nobody else has seen its tag. `submission` has the user's name in YARN as soon as that
    is known.
    """

    def __init__(
        self,
        launcher: Launcher,
        board: StatusCache,
        submission: Submission,
        progress: ProgressLog,
        *,
        is_new: bool,
    ) -> None:
        self._launcher = launcher
        self._board = board
        self.submission = submission
        self._is_new = is_new
        self._progress = progress
        self._report: ApplicationReport | None = None
        self._container: Container | None = None
        self._asked_at = float("-inf")
        self._state = ApplicationState.NEW if is_new else None
        self._state_since = time.monotonic()

    async def address(self, deadline: float, timeout: float) -> tuple[str, int]:
        """Return the node and the port once the server listens; raises `SpawnError` when it
        won't, or not until `deadline`. `timeout` is how long that was for the person who waits."""
        with self._board.track_start():
            try:
                return await asyncio.wait_for(self._wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                raise explain_timeout(timeout, self._report) from None

    async def _wait(self) -> tuple[str, int]:
        on_node = False
        while True:
            pause = poll_seconds(self._board.starting, on_node=on_node)
            status = self._own(await self._board.starting_status(self.submission, pause))
            report = status.report
            if status.life is Liveness.ENDED:
                raise explain_end(report)
            if report is not None:
                self._report = report
                on_node = container_started(report) or report.state is ApplicationState.RUNNING
                self._time_state(report.state)
                address = await self._look(report)
                if address is not None:
                    return address
            await asyncio.sleep(pause)

    def _own(self, status: Status) -> Status:
        """Return the status; raises `ForeignApplicationError` if the application is not ours."""
        if status.life is not Liveness.FOREIGN or status.report is None:
            return status
        if not (self._is_new and self.submission.has_tag(status.report)):
            raise ForeignApplicationError.of(self.submission.application_id, status.report.user)
        # Only the submit knew the tag: YARN has another name for the user (auth_to_local).
        self.submission = replace(self.submission, yarn_user=status.report.user)
        return status_of(status.report, self.submission)

    async def ended(self) -> SpawnError:
        """Wait until YARN says that the application has ended; return the reason."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            status = await self._board.starting_status(self.submission, POLL_SECONDS)
            if status.life is Liveness.ENDED:
                return explain_end(status.report)

    async def _look(self, report: ApplicationReport) -> tuple[str, int] | None:
        """Return where the server listens; until it does, tell how far it is."""
        port = self._launcher.server_port(report)
        try:
            if port is not None:
                container = await self._launcher.container(report)
                return (container.host, port) if container else None
            if container_started(report) and self._node_is_due():
                self._container = await self._launcher.container(report) or self._container
        except ClusterError as error:
            # It may just have ended: the next look tells.
            log.warning("%s: %s", self.submission.application_id, error)
        self._progress.add(describe(report, self._container))
        return None

    def _node_is_due(self) -> bool:
        """Whether to ask the node again; once the container runs, nothing more is to be known."""
        now = time.monotonic()
        runs = self._container is not None and self._container.phase is Phase.RUNNING
        if runs or now - self._asked_at < NODE_POLL_SECONDS:
            return False
        self._asked_at = now
        return True

    def _time_state(self, state: ApplicationState) -> None:
        if state is self._state:
            return
        now = time.monotonic()
        if self._state is not None:
            STATE_SECONDS.labels(self._state.name).observe(now - self._state_since)
            for passed in states_between(self._state, state):
                STATE_SECONDS.labels(passed.name).observe(0)  # shorter than from look to look
        self._state, self._state_since = state, now
