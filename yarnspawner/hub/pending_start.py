"""One start from the submit until the server is ready, with progress on the way.

- It fails with the reason as soon as YARN reports the end of the application.
- It fails in time with YARN's last report, also if YARN stops answering.
- Only the port comes from the application master. The host is the node on which YARN runs the
  container.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
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

POLL_SECONDS, SHORTEST_POLL_SECONDS = 0.25, 0.05

#: The limit of looks at up to 50 pending starts, so that a burst does not keep the hub busy. Fewer
#: starts are polled more often, because a ready server waits for the next poll.
LOOKS_PER_SECOND = 200

#: How long YARN may take to report the end of a server that has stopped answering.
END_REPORT_SECONDS = 5.0

#: How often the node is asked for the container's state, which only the progress shows.
NODE_POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


@contextmanager
def start_failures() -> Iterator[None]:
    """Count a failed start, and turn a `ClusterError` into an error for its user."""
    try:
        yield
    except ClusterError as error:
        START_FAILURES.labels(ClusterUnavailableError.stable_reason).inc()
        raise ClusterUnavailableError.for_now(str(error)) from error
    except SpawnError as failure:
        START_FAILURES.labels(failure.stable_reason).inc()
        raise


def poll_seconds(starting: int, *, on_node: bool) -> float:
    """Return the seconds between two polls of a start, for this number of pending starts.

    A start that is not on a node yet, and may wait in a full queue, cannot be ready.
    """
    if not on_node:
        return POLL_SECONDS
    return min(POLL_SECONDS, max(SHORTEST_POLL_SECONDS, starting / LOOKS_PER_SECOND))


def states_between(before: ApplicationState, after: ApplicationState) -> Iterator[ApplicationState]:
    """Return the states that an application passed between two polls."""
    return (state for state in ApplicationState if before < state < after)


class PendingStart:
    """A submitted application whose server does not listen yet.

    `is_new`: this hub has just submitted it. YARN then leads it through all states from the first
    on, and no other user has seen its tag. `submission` has the user's name in YARN as soon as that
    is known.
    """

    def __init__(
        self,
        launcher: Launcher,
        board: StatusCache,
        submission: Submission,
        progress: ProgressLog,
        keep_yarn_user: Callable[[str], None],
        *,
        is_new: bool,
    ) -> None:
        self._launcher = launcher
        self._board = board
        self.submission = submission
        self._is_new = is_new
        self._progress = progress
        self._keep_yarn_user = keep_yarn_user
        self._report: ApplicationReport | None = None
        self._container: Container | None = None
        self._asked_at = float("-inf")
        self._state = ApplicationState.NEW if is_new else None
        self._state_since = time.monotonic()

    async def address(self, deadline: float, timeout: float) -> tuple[str, int]:
        """Return the node and the port as soon as the server listens.

        Raises `SpawnError` if it cannot, or not until `deadline` (of `time.monotonic`). `timeout`
        is the whole time of the start in seconds, for the message.
        """
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
        self._keep_yarn_user(status.report.user)
        return status_of(status.report, self.submission)

    async def verify(self, check: Coroutine[None, None, None]) -> None:
        """Await the `check` of the server's identity; raises its `SpawnError`.

        If the server ends meanwhile, the error is the reason of its end.
        """
        checking = asyncio.create_task(check)
        ending = asyncio.create_task(self._end())
        try:
            await asyncio.wait([checking, ending], return_when=asyncio.FIRST_COMPLETED)
            if checking.done() and checking.exception() is not None:
                # YARN reports the end of a server a moment after it has stopped answering.
                await asyncio.wait([ending], timeout=END_REPORT_SECONDS)
            if ending.done():
                raise ending.result()
            checking.result()
        finally:
            checking.cancel()
            ending.cancel()

    async def _end(self) -> SpawnError:
        """Wait until YARN reports the application's end; return the reason."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            status = await self._board.starting_status(self.submission, POLL_SECONDS)
            if status.life is Liveness.ENDED:
                return explain_end(status.report)

    async def _look(self, report: ApplicationReport) -> tuple[str, int] | None:
        """Return the server's address if it listens; otherwise add the progress."""
        port = self._launcher.server_port(report)
        try:
            if port is not None:
                container = await self._launcher.container(report)
                return (container.host, port) if container else None
            if container_started(report) and self._node_is_due():
                self._container = await self._launcher.container(report) or self._container
        except ClusterError as error:
            # The application may just have ended: the next poll shows it.
            log.warning("%s: %s", self.submission.application_id, error)
        self._progress.add(describe(report, self._container))
        return None

    def _node_is_due(self) -> bool:
        """Return whether to ask the node again. A running container has no further states."""
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
                STATE_SECONDS.labels(passed.name).observe(
                    0
                )  # shorter than the time between two polls
        self._state, self._state_since = state, now
