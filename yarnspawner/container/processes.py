"""Ending all processes of a container, including those outside its process group.

YARN signals the container's process group only. Kernels, terminals and background jobs of notebooks
have their own sessions and would stay on the node. They are found by CONTAINER_ID, which YARN sets
and every process inherits.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

POLL_SECONDS = 0.05

#: Time for the processes that the server left behind, and for the system to remove killed ones.
GRACE_SECONDS = 1.0

#: Time for the last process: the daemon of the mount saves files that were not closed.
LAST_SECONDS = 10.0

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ContainerProcesses:
    """The processes of the container that we run in, except ourselves and our ancestors."""

    def __init__(self) -> None:
        self._group = os.getpgrp()
        self._mark = f"CONTAINER_ID={os.environ['CONTAINER_ID']}".encode()
        self._spared = {1}
        #: The process that the others need until they have ended: the daemon of the mount.
        self.last: int | None = None
        pid = os.getpid()
        while pid > 1:
            self._spared.add(pid)
            process = read_process(pid)
            pid = process.parent if process else 0

    def group_members(self) -> list[int]:
        """Return the processes of our process group: the server, but not kernels and terminals."""
        return self._find(lambda pid, group: group == self._group)

    def members(self) -> list[int]:
        """Return all processes, in all sessions."""
        return self._find(lambda pid, group: group == self._group or self._is_marked(pid))

    def users(self) -> list[int]:
        """Return all processes but the last one."""
        return [pid for pid in self.members() if pid != self.last]

    def _find(self, belongs: Callable[[int, int], bool]) -> list[int]:
        spared = self._spared | {os.getpid()}
        others = (process for process in all_processes() if process.pid not in spared)
        return [process.pid for process in others if belongs(process.pid, process.group)]

    def _is_marked(self, pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                return self._mark in file.read().split(b"\0")
        except OSError:
            return False  # the process is another user's, or has just ended

    def terminate_from_child(self, grace: float) -> None:
        """Do the same as `end` in a child with its own session, which outlives us.

        YARN kills our process group 250 ms after SIGTERM
        (`yarn.nodemanager.sleep-delay-before-sigkill.ms`).
        """
        try:
            child = os.fork()
        except OSError:  # such as a limit of processes, which the server has reached
            self.end(grace)
            return
        if child == 0:
            try:
                os.setsid()
                self.end(grace)
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    def end(self, grace: float) -> None:
        """End all processes: first the server, which gets `grace` seconds to end its kernels."""
        _end(self.group_members, signal.SIGTERM, grace)
        _end(self.users, signal.SIGTERM, GRACE_SECONDS)
        _end(self.users, signal.SIGKILL, GRACE_SECONDS)
        _end(self.members, signal.SIGTERM, LAST_SECONDS)
        _end(self.members, signal.SIGKILL, GRACE_SECONDS)


def _end(find: Callable[[], list[int]], number: signal.Signals, grace: float) -> None:
    deadline = time.monotonic() + grace
    signalled: set[int] = set()
    while pids := find():
        for pid in set(pids) - signalled:
            with suppress(OSError):  # the process has just ended, or is another user's
                os.kill(pid, number)
        signalled.update(pids)  # the next round signals processes started since
        if time.monotonic() > deadline:
            return
        time.sleep(POLL_SECONDS)


class Process(NamedTuple):
    """A process. `resident` is in bytes."""

    pid: int
    parent: int
    resident: int
    group: int = 0


def read_process(pid: int) -> Process | None:
    """Return a process; None if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    if fields[0] in b"ZX":
        return None
    return Process(pid, int(fields[1]), int(fields[21]) * PAGE_BYTES, int(fields[2]))


def all_processes() -> list[Process]:
    """Return the processes of the node."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    return [process for process in map(read_process, pids) if process]


def resident_bytes(root: int) -> int:
    """Return the resident memory of a process and all below it, as YARN's check counts it."""
    processes = all_processes()
    tree = {root}
    while below := {child.pid for child in processes if child.parent in tree} - tree:
        tree |= below
    return sum(process.resident for process in processes if process.pid in tree)
