"""The memory of our container, measured as YARN or Linux measures it when it enforces the limit.

- If the container has a control group of its own with a limit, Linux enforces that. The memory in
  use is the group's without the file cache that Linux would drop first.
- Else the NodeManager's check counts the resident memory of the process tree every three seconds.

A sample reads the container's known processes only. The node's other processes are looked at once
each, when they appear.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from yarnspawner.container.processes import Process, read_process

#: Seconds between two searches for new processes.
SEARCH_SECONDS = 1.0

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")


class ProcessTree:
    """The processes below `root`, which is a member itself."""

    def __init__(self, root: int) -> None:
        self._members = {root}
        self._strangers: set[int] = set()
        self._search_due = 0.0

    def sample(self) -> list[Process]:
        """Return the processes, with the memory that each uses now."""
        if time.monotonic() >= self._search_due:
            self._search()
            self._search_due = time.monotonic() + SEARCH_SECONDS
        found = [process for pid in sorted(self._members) if (process := read_process(pid))]
        self._members = {process.pid for process in found}
        return found

    def _search(self) -> None:
        # Not Path.iterdir: this is called every second on nodes with thousands of processes.
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
        self._strangers &= pids
        new = [read_process(pid) for pid in pids - self._strangers - self._members]
        unknown = {process.pid: process.parent for process in new if process}
        while adopted := {pid for pid, parent in unknown.items() if parent in self._members}:
            self._members |= adopted
            unknown = {pid: unknown[pid] for pid in unknown.keys() - adopted}
        self._strangers |= unknown.keys()


class ControlGroup:
    """The memory controller of a control group, version 1 or 2."""

    def __init__(self, directory: Path, *, version: int) -> None:
        self._directory = directory
        names = ("memory.current", "memory.max", "inactive_file")
        if version == 1:
            names = ("memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file")
        self._used, self._limit, self._cache = names

    @property
    def limit(self) -> int | None:
        """The limit in bytes; None without one."""
        try:
            text = (self._directory / self._limit).read_text().strip()
        except OSError:
            return None
        # Version 1 writes no limit as the largest number of pages, version 2 as "max".
        return int(text) if text.isdigit() and int(text) < 1 << 60 else None

    def used(self) -> int:
        """Return the memory in use, without the file cache that Linux drops first; bytes."""
        used = int((self._directory / self._used).read_text())
        for line in (self._directory / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == self._cache:
                used -= int(value)
        return max(0, used)


def own_control_group(
    container: str, *, groups: Path = _GROUPS, membership: Path = _PROC / "self/cgroup"
) -> ControlGroup | None:
    """Return the control group of the YARN container `container`, if it has one with a limit.

    YARN names the group after the container. Other groups hold other containers too.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if container not in path.split("/") or controllers not in ("", "memory"):
            continue
        version = 1 if controllers else 2
        directory = groups / controllers / path.lstrip("/")
        group = ControlGroup(directory, version=version)
        if group.limit is not None:
            return group
    return None
