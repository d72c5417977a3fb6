"""skein's driver, a JVM that handles every call. It is started on demand, and again after it ended.

skein's calls have no deadline, so a call that takes too long kills the driver.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Generic, Protocol, TypeVar

START_DEADLINE_SECONDS = 60.0

#: The pause after a driver that ended grows from the first of these to the second.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0

#: The interval at which a block that exceeded its deadline is interrupted again.
INTERRUPT_INTERVAL_SECONDS = 0.5


class DriverClient(Protocol):
    """`skein.Client`. skein has no public name for its driver's process."""

    _proc: Popen[bytes]

    def close(self) -> None:
        """Close the client. It waits for the driver to end, even if the driver hangs."""


Client = TypeVar("Client", bound=DriverClient)
Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class DriverPausedError(Exception):
    """The last driver has ended, and the pause before the next one is not over."""


class Driver(Generic[Client]):
    """The driver behind the client that `start` returns. Blocking and thread-safe."""

    def __init__(self, start: Callable[[], Client]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._pause = 0.0
        self._not_before = float("-inf")

    def call(self, function: Callable[[Client], Answer], deadline: float) -> Answer:
        """Return `function(client)`; a driver that takes longer than `deadline` is killed."""
        client = self._running_client()
        with _deadline(deadline, lambda: _kill(client)):
            answer = function(client)
        self._pause = 0.0
        return answer

    def _running_client(self) -> Client:
        with self._lock:
            if self._client is not None and _has_ended(self._client):
                log.warning("skein's driver has ended.")
                self._discard()
            if self._client is None:
                self._client = self._started()
            return self._client

    def _started(self) -> Client:
        if time.monotonic() < self._not_before:
            raise DriverPausedError
        self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * 2 or FIRST_PAUSE_SECONDS)
        self._not_before = time.monotonic() + self._pause
        thread = threading.get_native_id()
        earlier = _children(thread)
        with _deadline(START_DEADLINE_SECONDS, lambda: _kill_children(thread, earlier)):
            return self._start()

    def _discard(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        """Kill the driver."""
        with self._lock:
            if self._client is not None:
                _kill(self._client)
                self._discard()


def _has_ended(client: DriverClient) -> bool:
    return client._proc.poll() is not None


def _kill(client: DriverClient) -> None:
    client._proc.kill()
    client._proc.wait()


def _children(thread: int) -> set[int]:
    """Return the child processes that a thread of ours has started."""
    return set(map(int, Path(f"/proc/self/task/{thread}/children").read_text().split()))


def _kill_children(thread: int, earlier: set[int]) -> None:
    """Kill the children that a thread of ours has started since `earlier`."""
    for pid in _children(thread) - earlier:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def _deadline(seconds: float, interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` from another thread if the block exceeds its deadline, until the block ends.

    It is repeated because the block may start another process after the first call.
    """
    ended = threading.Event()

    def watch() -> None:
        pause = seconds
        while not ended.wait(pause):
            interrupt()
            pause = INTERRUPT_INTERVAL_SECONDS

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
