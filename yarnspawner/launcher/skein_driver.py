"""skein's driver, a JVM through which every call goes: started when it is needed, and again when it
has ended. Its calls have no deadline of their own, so one that takes too long ends it.
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
from typing import Any, TypeVar

START_DEADLINE_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
AGAIN_SECONDS = 0.5

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class DriverPausedError(Exception):
    """The last driver has ended, and it is too early for another."""


class Driver:
    """The driver that `start` starts, as skein's client of it. Blocking, for several threads."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._client: Any = None
        self._pause = 0.0
        self._not_before = float("-inf")

    def call(self, do: Callable[[Any], Answer], deadline: float) -> Answer:
        """Return `do(client)`; a driver that takes longer than `deadline` is ended."""
        client = self._running_client()
        with _watched(deadline, lambda: _kill(client)):
            answer = do(client)
        self._pause = 0.0  # it is well again
        return answer

    def _running_client(self) -> Any:
        with self._lock:
            if self._client is not None and _has_ended(self._client):
                log.warning("skein's driver has ended.")
                self._discard()
            if self._client is None:
                self._client = self._started()
            return self._client

    def _started(self) -> Any:
        if time.monotonic() < self._not_before:
            raise DriverPausedError
        self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * 2 or FIRST_PAUSE_SECONDS)
        self._not_before = time.monotonic() + self._pause
        thread = threading.get_native_id()
        others = _children(thread)
        with _watched(START_DEADLINE_SECONDS, lambda: _kill_children(thread, others)):
            return self._start()

    def _discard(self) -> None:
        client, self._client = self._client, None
        client.close()

    def close(self) -> None:
        """End the driver."""
        with self._lock:
            if self._client is not None:
                _kill(self._client)
                self._discard()


# skein gives away its process by no public name, and its own close() waits for one that is stuck.


def _has_ended(client: Any) -> bool:
    return client._proc.poll() is not None


def _kill(client: Any) -> None:
    client._proc.kill()
    client._proc.wait()


def _children(thread: int) -> set[int]:
    """Return the processes that a thread of ours has started."""
    return set(map(int, Path(f"/proc/self/task/{thread}/children").read_text().split()))


def _kill_children(thread: int, others: set[int]) -> None:
    """End what a thread of ours has started since, and does not come back from."""
    for pid in _children(thread) - others:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def _watched(seconds: float, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` from another thread unless the block ends in time, and then until it does: what it
    waits for may have begun after the last call."""
    ended = threading.Event()

    def watch() -> None:
        pause = seconds
        while not ended.wait(pause):
            end()
            pause = AGAIN_SECONDS

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
