"""Blocking calls with a deadline.

- A caller gets the call's result, its exception, or `TimeoutError` after the deadline.
- Nothing can interrupt a call. One that timed out goes on in its thread and may still take effect.
  Such threads do not delay the end of the process.
- After a timeout the next calls get a short deadline, until a call ends.
- At most `limit` calls run, those that timed out included. Further calls fail immediately.

hdfs-native's AsyncClient is not used, because cancelling ends only the wait: of 60 `mkdirs` that
were cancelled while a NameNode hung, all took effect afterwards. A call costs 0.2 to 0.3 ms of CPU
both ways, but a listing of 1,000 entries takes 52 ms instead of 1.4, with an await for each entry.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Deadline:
    """Calls functions and waits `seconds` for each."""

    def __init__(self, seconds: float, while_silent: float = 2.0, limit: int = 64) -> None:
        """Set the deadlines: `seconds`, or `while_silent` while HDFS has not answered a call."""
        self._seconds = seconds
        self._while_silent = min(seconds, while_silent)
        self._free = threading.BoundedSemaphore(limit)
        self._silent = False
        self._ending = threading.Lock()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function in its own thread and return its result."""
        if not self._free.acquire(blocking=False):
            raise TimeoutError(errno.ETIMEDOUT, "too many earlier calls still wait for HDFS")
        future: Future[T] = Future()
        call = partial(function, *args, **kwargs)
        threading.Thread(
            target=self._call, args=(future, call), name="hdfs-call", daemon=True
        ).start()
        seconds = self._while_silent if self._silent else self._seconds
        try:
            return future.result(seconds)
        except FutureTimeoutError:
            with self._ending:
                if not future.done():
                    self._silent = True
                    raise TimeoutError(
                        errno.ETIMEDOUT, f"HDFS did not answer within {seconds:g} seconds"
                    ) from None
            return future.result()  # the call itself raised TimeoutError, or has just ended

    def _call(self, future: Future[T], call: Callable[[], T]) -> None:
        try:
            report = partial(future.set_result, call())
        except Exception as error:  # noqa: BLE001 (raised to the caller)
            report = partial(future.set_exception, error)
        except BaseException as panic:  # noqa: BLE001 (a panic in Rust is not an Exception)
            report = partial(future.set_exception, RuntimeError(f"{type(panic).__name__}: {panic}"))
        self._free.release()
        with self._ending:
            self._silent = False
            report()
