"""Mounts of tests: a process in a namespace, a daemon that can be killed, and what holds both.

A test reaches the folder through the root directory of the process in the namespace, so plain
Python on the returned path does what a program in the container does.

`python mounts.py WHERE COMMAND…` is the holder, as the application master is one: it has the device
and the state, and no file of the mount. It reads lines from its standard input, `start`, `kill` or
`stop`, and writes a line when each is done. If the daemon ends without being told to, the holder
ends too, and so does the mount: a test that waits for an answer gets an error, and does not hang.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

_ENTER = """
import os, socket, sys
from hdfs_contents.mount import namespace
path, number = sys.argv[1:]
with socket.socket(fileno=int(number)) as holder:
    device = namespace.enter(path)
    socket.send_fds(holder, [b"x"], [device])
os.close(device)
sys.stdin.read()
"""


class Mount:
    """A folder that is mounted at `where` in its namespace, and that others reach at `path`.

    `daemon` is the command without the descriptors' options.
    """

    def __init__(
        self, where: Path | str, daemon: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.where = Path(where)
        self._holder = subprocess.Popen(
            [sys.executable, __file__, str(where), *daemon],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(environment),
        )
        self._inside = int(self._answer())
        self.path = Path(f"/proc/{self._inside}/root{where}")
        self.start()

    def _answer(self) -> str:
        assert self._holder.stdout is not None
        line = self._holder.stdout.readline()
        if not line:
            raise RuntimeError("the holder of the mount has ended")
        return line

    def _tell(self, word: str) -> str:
        assert self._holder.stdin is not None
        self._holder.stdin.write(f"{word}\n")
        self._holder.stdin.flush()
        return self._answer()

    def start(self) -> None:
        """Start the daemon, for the first time or again."""
        self.daemon = int(self._tell("start"))

    def kill(self) -> None:
        """Kill the daemon, as the kernel does when memory is short."""
        self._tell("kill")

    def kill_all(self) -> None:
        """Kill all processes, as the NodeManager does at the end of a container."""
        for process in (self._inside, self.daemon, self._holder.pid):
            os.kill(process, signal.SIGKILL)
        self._holder.communicate()

    def open_state(self) -> int:
        """Open the memory file of the daemon."""
        command = Path(f"/proc/{self.daemon}/cmdline").read_text().split("\0")
        number = command[command.index("--state") + 1]
        return os.open(f"/proc/{self.daemon}/fd/{number}", os.O_RDONLY)

    def command(self, folder: Path, *command: str) -> list[str]:
        """Return what runs a command in a directory of the folder, in the namespace."""
        enter = ["nsenter", f"--target={self._inside}", "--user", "--mount"]
        enter += ["--preserve-credentials", f"--wdns={self.where / folder.relative_to(self.path)}"]
        return [*enter, "--", *command]

    def run(self, folder: Path, *command: str) -> str:
        """Run a command in a directory of the folder, in the namespace; return what it prints."""
        enter = self.command(folder, *command)
        done = subprocess.run(enter, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def close(self) -> int:
        """Unmount, and return the exit status of the daemon."""
        status = json.loads(self._tell("stop"))
        self._holder.communicate()
        return status


def names(folder: Path) -> list[str]:
    """Return the names in a directory, sorted."""
    return sorted(entry.name for entry in folder.iterdir())


def _hold(where: str, daemon: Sequence[str]) -> None:
    ours, theirs = socket.socketpair()
    inside = subprocess.Popen(
        [sys.executable, "-c", _ENTER, where, str(theirs.fileno())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    with ours:
        _, (device,), _, _ = socket.recv_fds(ours, 1, 1)
    state = os.memfd_create("mount-state")
    command = [*daemon, "--device", str(device), "--state", str(state)]
    process: subprocess.Popen[bytes] | None = None
    killed: set[int] = set()
    _say(inside.pid)
    for line in sys.stdin:
        if line == "start\n":
            process = subprocess.Popen(
                command, pass_fds=[device, state], stdin=subprocess.DEVNULL, stdout=2
            )
            threading.Thread(target=_end_with, args=(process, killed), daemon=True).start()
            _say(process.pid)
            continue
        assert process is not None
        if line == "kill\n":
            killed.add(process.pid)
            process.send_signal(signal.SIGKILL)
            _say(process.wait())
        else:
            inside.communicate()
            try:
                _say(process.wait(30))
            except subprocess.TimeoutExpired:
                killed.add(process.pid)
                process.kill()
                _say(process.wait())
            return


def _end_with(daemon: subprocess.Popen[bytes], killed: Set[int]) -> None:
    if daemon.wait() and daemon.pid not in killed:
        os._exit(1)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _hold(sys.argv[1], sys.argv[2:])
