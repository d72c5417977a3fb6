"""Ends a cluster after its owner was killed: `python -m yarnhub.minihadoop.watchdog STATE OWNER`.

It waits for the end of its parent, the process with the pid OWNER, and then ends everything that
the cluster started. With a third argument, `remove`, it also removes the state directory. A cluster
that is closed ends its watchdog first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from hadoop_client.python_module import module_command
from yarnhub.minihadoop.processes import end_processes, parent, wait_end


def watch(state: Path, remove: bool) -> subprocess.Popen[bytes]:
    """Start a watchdog over this process, in its own session, which Ctrl-C does not reach."""
    command = module_command(sys.executable, __name__, str(state), str(os.getpid()))
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


def main(state: Path, owner: int, remove: bool) -> None:
    """Wait for the owner's end, and end its cluster."""
    watched = parent()
    # A process whose parent has ended gets another one.
    while watched and watched.pid == owner and not wait_end(watched, 3600):
        pass
    end_processes(state)
    if remove:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["remove"])
