"""One daemon of the cluster: a Java process that can be ended, frozen and started again."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from yarnhub.minihadoop.errors import DaemonError
from yarnhub.minihadoop.processes import DAEMON, is_suspended

#: Between two checks of a daemon's state.
_POLL_SECONDS = 0.1


class Daemon:
    """A daemon's process, and its log, `logs/NAME.log`.

    `is_ready` returns whether it serves. It is called repeatedly, and must return quickly.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        env: dict[str, str],
        state: Path,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.log = state / "logs" / f"{name}.log"
        self.started_at = 0.0  # The last start, in seconds since the epoch.
        self._command = command
        self._env = {**env, DAEMON: f"{state}/{name}"}
        self._is_ready = is_ready
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id. Raises DaemonError if it is not running."""
        return self._process().pid

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the process; `wait_ready` waits until it serves."""
        self.started_at = time.time()
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches only this process, which ends the daemons in order.
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        """Whether its process was started and has ended."""
        return self._child is not None and not self.is_running

    def wait_ready(self, timeout: float = 60, others: Sequence[Daemon] = ()) -> None:
        """Wait until it serves. Raises DaemonError with the end of its log if it ends, or if the
        time is over; and with that of one of the `others` if that has ended meanwhile."""
        deadline = time.monotonic() + timeout
        while not self._is_ready():
            ended = [daemon for daemon in others if daemon.has_ended]
            for daemon in [*([] if self.is_running else [self]), *ended]:
                raise daemon._failure("ended while it was starting")
            if time.monotonic() > deadline:
                raise self._failure("was not ready in time")
            time.sleep(_POLL_SECONDS)

    def wait_done(self, timeout: float) -> None:
        """Wait for the end of a one-time task. Raises DaemonError if it fails or takes too long."""
        if not self._child:
            raise self._failure("was not started")
        try:
            code = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self._failure("did not end in time") from None
        if code:
            raise self._failure(f"ended with exit code {code}")

    def stop(self, timeout: float = 20) -> None:
        """End it with SIGTERM, as an administrator would, and with SIGKILL after the timeout."""
        self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """End it as a crash would; a NodeManager's containers keep running."""
        self._end(signal.SIGKILL, 20)

    def suspend(self) -> None:
        """Suspend it: its ports accept connections, but nothing answers."""
        process = self._process()
        process.send_signal(signal.SIGSTOP)
        # Its threads stop one after another, and until the last one stops it may answer.
        while self.is_running and not is_suspended(process.pid):
            time.sleep(_POLL_SECONDS)

    def resume(self) -> None:
        self._process().send_signal(signal.SIGCONT)

    def reap(self) -> None:
        """Reap the process after `end_processes` has ended it."""
        if self._child:
            self._child.wait()

    def log_tail(self, lines: int = 30) -> str:
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def _process(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            raise DaemonError(f"The {self.name} is not running.")
        return self._child

    def _end(self, number: signal.Signals, timeout: float) -> None:
        if not self.is_running:
            return
        process = self._process()
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)  # A suspended process handles no other signal.
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _failure(self, problem: str) -> DaemonError:
        return DaemonError(
            f"The {self.name} {problem}. The end of {self.log}:\n{self.log_tail(15)}"
        )
