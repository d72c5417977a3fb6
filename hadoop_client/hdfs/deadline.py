"""Blocking calls that are waited for no longer than some seconds.

- A caller gets the call's result, its exception, or `TimeoutError` after the deadline.
- A call that was given up goes on in its own thread until it ends by itself, because nothing can
  interrupt it: so it may still take effect later. Those threads never hold up the process's end.
- After a call was given up, the next ones are given up soon, until one has ended. At most `limit`
  calls are under way, given-up ones among them; further ones fail at once.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Deadline:
    """Calls functions, and waits `seconds` for each."""

    def __init__(self, seconds: float, while_silent: float = 2.0, limit: int = 64) -> None:
        """Set how long calls may take; `while_silent` is what one gets when HDFS has not answered
        the one before."""
        self._seconds = seconds
        self._while_silent = min(seconds, while_silent)
        self._free = threading.BoundedSemaphore(limit)
        self._silent = False
        self._ending = threading.Lock()

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call `function(*args)` in a thread of its own, and return its result."""
        if not self._free.acquire(blocking=False):
            raise TimeoutError(errno.ETIMEDOUT, "HDFS has not answered many calls before this one")
        future: Future[T] = Future()
        threading.Thread(
            target=self._call, args=(future, function, args), name="hdfs-call", daemon=True
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
            return future.result()  # the call itself raised it, or it has ended just now

    def _call(self, future: Future[T], function: Callable[..., T], args: tuple[Any, ...]) -> None:
        try:
            tell = partial(future.set_result, function(*args))
        except Exception as error:  # noqa: BLE001 (it is handed to the caller as it is)
            tell = partial(future.set_exception, error)
        except BaseException as panic:  # noqa: BLE001 (a panic in Rust, which is no Exception)
            tell = partial(future.set_exception, RuntimeError(f"{type(panic).__name__}: {panic}"))
        self._free.release()
        with self._ending:
            self._silent = False
            tell()
