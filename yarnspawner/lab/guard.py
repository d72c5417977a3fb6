"""Ends the kernel that uses most before the container's memory runs out.

The NodeManager checks every three seconds, and ends the whole container if it uses more than it was
granted. A thread of the server looks several times in a second, so that it is first in a burst too.
With a control group, Linux may be first: its choice is turned to the kernels by their
`oom_score_adj`, which child processes inherit.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from yarnspawner.container.processes import read_process
from yarnspawner.lab.usage import ControlGroup, ProcessTree
from yarnspawner.lab.victims import Unit, is_short, largest

_log = logging.getLogger(__name__)

#: Seconds between two samples if more than half of the limit is in use, and otherwise.
BUSY_SECONDS, IDLE_SECONDS = 0.1, 0.25

#: The longest time to wait until killed processes have returned their memory.
END_SECONDS = 10.0

#: Linux prefers processes with a higher score when memory runs out: the server has 0 or less.
OOM_SCORE = "500"


@dataclass(frozen=True)
class KernelEnd:
    """A unit that was ended: when (seconds of the epoch), and the bytes that it used, of how many
    in use and granted. `kernel` is empty for a program that is not a kernel."""

    when: float
    kernel: str
    resident: int
    used: int
    limit: int


class MemoryGuard:
    """The memory of the container. Call `start` to have kernels ended at its limit.

    `limit` is the memory that YARN granted, in bytes. A control group's own limit replaces it.
    `margin` is the fraction of the limit that stays free; with 0 nothing is ended. `kernels`
    returns the kernels' ids by process id. `on_end` is called in the guard's thread.
    """

    def __init__(
        self,
        limit: int,
        margin: float,
        kernels: Callable[[], Mapping[int, str]],
        on_end: Callable[[KernelEnd], None],
        group: ControlGroup | None = None,
    ) -> None:
        self.granted = limit
        #: What was in use at the last sample, in bytes.
        self.used = 0
        self._margin = margin
        self._kernels = kernels
        self._on_end = on_end
        self._group = group
        # YARN counts from the container's first process, which leads the session.
        self._tree = ProcessTree(os.getsid(0))
        self._scored: set[int] = set()
        self._ending: tuple[int, ...] = ()
        self._end_due = 0.0

    @property
    def limit(self) -> int:
        """The limit that is enforced, in bytes."""
        group_limit = self._group.limit if self._group is not None else None
        return self.granted if group_limit is None else group_limit

    def start(self) -> None:
        """Watch the memory in a thread, as long as the process lives."""
        threading.Thread(target=self._watch, name="memory-guard", daemon=True).start()

    def _watch(self) -> None:
        while True:
            pause = IDLE_SECONDS
            try:
                pause = self.step()
            except Exception:  # noqa: BLE001 - the next sample may succeed, and must be taken
                _log.exception("The memory of the container could not be sampled")
            time.sleep(pause)

    def step(self) -> float:
        """Take a sample, end a kernel if it must be; returns the seconds until the next sample."""
        processes = self._tree.sample()
        limit = self.limit
        self.used = sum(process.resident for process in processes)
        if self._group is not None:
            with suppress(OSError, ValueError):  # the group is gone with its container
                self.used = self._group.used()
        if self._margin:
            kernels = self._kernels()
            self._prefer(kernels)
            if is_short(self.used, limit, self._margin) and not self._is_ending():
                unit = largest(processes, os.getpid(), kernels)
                if unit is not None:
                    self._end(unit, limit)
        return BUSY_SECONDS if self.used > limit / 2 else IDLE_SECONDS

    def _prefer(self, kernels: Mapping[int, str]) -> None:
        """Let Linux end kernels first if memory runs out between two samples."""
        for pid in kernels.keys() - self._scored:
            with suppress(OSError):  # the kernel has ended, or the system forbids it
                Path(f"/proc/{pid}/oom_score_adj").write_text(OOM_SCORE)
        self._scored = set(kernels)

    def _is_ending(self) -> bool:
        """Return whether killed processes may still hold memory."""
        self._ending = tuple(pid for pid in self._ending if read_process(pid) is not None)
        return bool(self._ending) and time.monotonic() < self._end_due

    def _end(self, unit: Unit, limit: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(unit.pids[0], signal.SIGKILL)  # a kernel leads its group
        for pid in unit.pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self._ending, self._end_due = unit.pids, time.monotonic() + END_SECONDS
        self._on_end(KernelEnd(time.time(), unit.kernel, unit.resident, self.used, limit))
