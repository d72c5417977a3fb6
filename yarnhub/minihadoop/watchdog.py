"""Ends a cluster whose owner was killed: `python -m yarnhub.minihadoop.watchdog STATE PID STARTED`.

It waits for that process to end, by its pid descriptor, and then ends everything that the cluster
started. With a fourth argument, `remove`, the state folder goes as well. A cluster that is ended in
the ordinary way ends its watcher first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from yarnhub.minihadoop.processes import end_processes, look_up


def watch(state: Path, remove: bool, owner: int) -> subprocess.Popen[bytes]:
    """Start a watcher over this owner, in a session of its own: Ctrl-C doesn't reach it."""
    process = look_up(owner)
    started = process.started if process else 0
    command = [sys.executable, "-m", __name__, str(state), str(owner), str(started)]
    # The package is found where this process found it, installed or not.
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [*command, "remove"] if remove else command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main(state: Path, owner: int, started: int, remove: bool) -> None:
    process = look_up(owner)
    while process and process.started == started and not process.wait(3600):
        pass
    end_processes(state)
    if remove:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["remove"])
