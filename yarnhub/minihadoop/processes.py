"""The processes of a cluster: finding its daemons and YARN containers, and ending them all.

- A daemon is recognised by a variable of its environment that names the cluster's state directory.
  A list of pids could be lost or out of date.
- A container outlives its NodeManager, in its own session. It is recognised by LOCAL_DIRS, which
  YARN sets in each container and which points into the state directory. Its children without that
  variable are recognised by the session.
- A shell that only uses the cluster has neither variable, and is left alone.
- A pid that was given to another program since is never touched: psutil compares start times.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

#: The variable's value is the state directory, a slash and the daemon's name.
DAEMON = "MINIHADOOP_DAEMON"

#: For a process to end before it is killed.
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.02


def is_running(process: psutil.Process) -> bool:
    """Return whether this very process runs. A zombie does not: its parent may never reap it."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() not in ("zombie", "dead")
    return False


def parent() -> psutil.Process | None:
    """Return the process that started this one, or that took over its children."""
    return psutil.Process().parent()


def is_suspended(pid: int) -> bool:
    """Return whether each thread of a process has been stopped by a signal."""
    with suppress(psutil.NoSuchProcess):
        threads = map(psutil.Process, (thread.id for thread in psutil.Process(pid).threads()))
        return {thread.status() for thread in threads} == {psutil.STATUS_STOPPED}
    return False


def send_signal(process: psutil.Process, number: signal.Signals) -> None:
    """Send the signal to this very process, or to none."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def wait_end(process: psutil.Process, timeout_seconds: float) -> bool:
    """Wait for the end of a process; returns whether it ended in time."""
    deadline = time.monotonic() + timeout_seconds
    while is_running(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def resident_mb(process: psutil.Process) -> int:
    """Return the memory that a process occupies, in MiB; 0 if it has ended."""
    with suppress(psutil.NoSuchProcess):
        return process.memory_info().rss >> 20
    return 0


def daemons(state: Path) -> dict[str, psutil.Process]:
    """Return the running daemons of the cluster, by their names."""
    return {value.removeprefix(f"{state}/"): process for value, process in _marked(DAEMON, state)}


def containers(state: Path) -> list[psutil.Process]:
    """Return every process of every container of the cluster."""
    processes = {process.pid: process for _, process in _marked("LOCAL_DIRS", state)}
    # Only sessions led by a container: its first process starts in the NodeManager's session.
    leaders = frozenset(processes)
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            if os.getsid(process.pid) in leaders and is_running(process):
                processes[process.pid] = process
    processes.pop(os.getpid(), None)
    return list(processes.values())


def _marked(variable: str, state: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the processes that have this variable with a path in the state directory."""
    for process in psutil.process_iter(["environ"]):
        value = (process.info["environ"] or {}).get(variable, "")  # None: not readable.
        if value.startswith(f"{state}/") and process.pid != os.getpid():
            yield value, process


def end_processes(state: Path) -> None:
    """End the NodeManagers, which could start containers, then the containers, then the rest."""
    for name, process in daemons(state).items():
        if name.startswith("nodemanager"):
            # After SIGTERM it would wait seconds for its applications to finish.
            _kill(process)
    _end(containers(state))
    _end(daemons(state).values())
    while late := [*containers(state), *daemons(state).values()]:  # Forked since.
        for process in late:
            _kill(process)


def _end(processes: Iterable[psutil.Process]) -> None:
    processes = list(processes)
    for process in processes:
        send_signal(process, signal.SIGTERM)
        send_signal(process, signal.SIGCONT)  # A suspended process handles no other signal.
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        if not wait_end(process, deadline - time.monotonic()):
            _kill(process)


def _kill(process: psutil.Process) -> None:
    send_signal(process, signal.SIGKILL)
    wait_end(process, _GRACE_SECONDS)
