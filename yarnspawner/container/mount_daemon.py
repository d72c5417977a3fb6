"""The daemon that serves the server's mount of HDFS, and the device that it serves.

- The application master holds the device and the daemon's state, so that a daemon that ends is
  replaced on the same mount, and open files stay open.
- The daemon has its own session, because YARN signals our process group before the server and its
  kernels have closed their files. It ends after them: when nothing is left of the mount.
- If the application master is killed, the daemon ends too. The device is closed then, so that each
  call on the mount fails and none hangs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from yarnspawner.container.diagnostics import signal_name
from yarnspawner.container.log import log

#: The pause before the daemon is started again; it doubles with each failure in succession.
RESTART_SECONDS, LONGEST_RESTART_SECONDS = 0.1, 8.0

#: A daemon that ran for so long was not started in vain.
STABLE_SECONDS = 60.0

#: After so many failures in succession the mount is given up.
MOST_FAILURES = 10

#: The exit code of a daemon that cannot open HDFS, because of its configuration or its Python
#: environment. It is not started again: programs would wait for it in vain.
CANNOT_OPEN = os.EX_CONFIG

NEVER = float("inf")


class MountDaemon:
    """The mount's device, received from the server on `sock`, and the process that serves it."""

    def __init__(self, sock: socket.socket, environment: Mapping[str, str]) -> None:
        sock.setblocking(False)
        self._sock: socket.socket | None = sock
        self._environment = environment
        self._device = -1
        self._state = -1
        # The daemon ends when no process has the second end, which we keep to ourselves.
        self._lifeline, self._kept_end = os.pipe()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        #: When the daemon has to be started again.
        self.due = NEVER

    @property
    def pid(self) -> int | None:
        """The running daemon's process id."""
        return self._process.pid if self._process is not None else None

    def tick(self) -> None:
        """Receive the device, start the daemon, or start it again after it has ended."""
        if self._sock is not None:
            self._receive(self._sock)
        if self._process is not None and self._process.poll() is not None:
            self._note_end(self._process.returncode)
        if time.monotonic() >= self.due:
            self._start()

    def _receive(self, sock: socket.socket) -> None:
        try:
            # Not `recv_fds`, which Python 3.8 lacks. A descriptor has four bytes.
            _, ancillary, _, _ = sock.recvmsg(64, socket.CMSG_LEN(4))
        except BlockingIOError:
            return
        # The server has sent the device, or has closed the socket because it could not mount.
        sock.close()
        self._sock = None
        if ancillary:
            self._device = int.from_bytes(ancillary[0][2], sys.byteorder)
            self._state = os.memfd_create("mount")
            self.due = 0.0

    def _start(self) -> None:
        self.due = NEVER
        self._started = time.monotonic()
        descriptors = {
            "--device": self._device,
            "--state": self._state,
            "--lifeline": self._lifeline,
        }
        arguments = (f"{option}={descriptor}" for option, descriptor in descriptors.items())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hdfs_contents.mount", *arguments],
                env=dict(self._environment),
                pass_fds=tuple(descriptors.values()),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
            )
        except OSError as error:  # such as a limit of processes
            self._plan_restart(f"could not be started: {error}")

    def _note_end(self, code: int) -> None:
        self._process = None
        if code == 0:  # the mount is gone with the processes that used it
            os.close(self._device)
            return
        if code == CANNOT_OPEN:
            self._give_up("cannot open HDFS")
            return
        if time.monotonic() - self._started > STABLE_SECONDS:
            self._failures = 0
        how = f"signal {signal_name(-code)}" if code < 0 else f"exit code {code}"
        self._plan_restart(f"ended with {how}")

    def _plan_restart(self, failure: str) -> None:
        self._failures += 1
        if self._failures == MOST_FAILURES:
            self._give_up(failure)
            return
        log(f"the mount's daemon {failure}, starting it again")
        pause = min(RESTART_SECONDS * 2 ** (self._failures - 1), LONGEST_RESTART_SECONDS)
        self.due = time.monotonic() + pause

    def _give_up(self, failure: str) -> None:
        """Close the device, so that each call on the mount fails at once."""
        log(f"the mount's daemon {failure}. HDFS is no longer mounted")
        os.close(self._device)
