"""Ending every process of a cluster, its YARN containers included.

- A daemon is known by a variable of its environment, which it has from its first moment and which
  names the cluster's state folder: no list of pids has to be kept, nor can one be out of date.
- A container outlives its NodeManager in a session of its own. It is known by LOCAL_DIRS, which
  YARN sets in each container, pointing into the state folder. What it started and stripped of its
  environment is found by its session.
- A shell that merely uses the cluster has neither, and is left alone.
- A pid that was given to another program since is never touched: the start time tells.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

#: The variable's value is the state folder, a slash and the daemon's name.
DAEMON = "MINIHADOOP_DAEMON"

#: For a process to end by itself before it is killed.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """One process of this machine, as it was when it was looked at."""

    pid: int
    started: int
    session: int
    state: str = field(compare=False)  # As in /proc/PID/stat.

    @property
    def is_running(self) -> bool:
        now = look_up(self.pid)
        return now is not None and now.started == self.started and now.state not in "ZX"

    @property
    def is_stopped(self) -> bool:
        """Whether each of its threads has been stopped by a signal."""
        threads = [look_up(int(each.name)) for each in Path(f"/proc/{self.pid}/task").glob("*")]
        # Of one that has ended there is nothing, and of a process that has there are none.
        return {thread and thread.state for thread in threads} == {"T"}

    def signal(self, number: signal.Signals) -> None:
        """Send the signal, to this very process or to none."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return
        try:
            if self.is_running:
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)

    def wait(self, timeout: float) -> bool:
        """Tell whether it has ended within these seconds."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return True
        try:
            if not self.is_running:
                return True
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(max(0, timeout) * 1000))
        finally:
            os.close(descriptor)


def look_up(pid: int) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # The name before it may hold anything.
    return Process(pid, started=int(fields[19]), session=int(fields[3]), state=fields[0])


def resident_mb(pid: int) -> int:
    """Return the memory that a process occupies, in MiB; 0 if there is no such process."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def daemons(state: Path) -> dict[str, Process]:
    """Find the running daemons of the cluster by their names."""
    prefix = f"{state}/"
    found = ((_variable(p.pid, DAEMON), p) for p in _all_processes())
    return {name.removeprefix(prefix): p for name, p in found if name.startswith(prefix)}


def containers(state: Path) -> list[Process]:
    """Find every process of every container of the cluster."""
    processes = _all_processes()
    marked = {p.pid for p in processes if _variable(p.pid, "LOCAL_DIRS").startswith(f"{state}/")}
    # Only a session that a container leads: its first process starts in the NodeManager's.
    return [p for p in processes if p.pid in marked or p.session in marked]


def end_processes(state: Path) -> None:
    """End the NodeManagers, who could start containers, then those, then all else."""
    for name, process in daemons(state).items():
        if name.startswith("nodemanager"):
            # Asked nicely it would wait seconds for its applications to be finished.
            process.signal(signal.SIGKILL)
            process.wait(_GRACE_SECONDS)
    _end(containers(state))
    _end(daemons(state).values())
    while left := [*containers(state), *daemons(state).values()]:  # Forked in the meantime.
        for process in left:
            process.signal(signal.SIGKILL)
            process.wait(_GRACE_SECONDS)


def _end(processes: Iterable[Process]) -> None:
    processes = list(processes)
    for process in processes:
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)  # A suspended process heeds nothing else.
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        if not process.wait(deadline - time.monotonic()):
            process.signal(signal.SIGKILL)
            process.wait(_GRACE_SECONDS)


def _all_processes() -> list[Process]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = [look_up(pid) for pid in pids if pid != os.getpid()]
    return [process for process in found if process and process.state not in "ZX"]


def _variable(pid: int, name: str) -> str:
    """Return a variable that a process was started with; empty if it can't be seen."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # It has ended, or is another user's.
        return ""
    start = f"{name}=".encode()
    values = (entry for entry in environment.split(b"\0") if entry.startswith(start))
    return os.fsdecode(next(values, start)[len(start) :])
