"""The supervision of a started server: registration, heartbeats, and the report of its end.

The main loop waits for signals until the next heartbeat is due. A stop signal interrupts a call to
the ResourceManager.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from hadoop_client.rpc.call import ConnectError, RpcError
from hadoop_client.security.credentials import Credentials
from hadoop_client.yarn.applicationmaster import FinalStatus
from yarnspawner.container.diagnostics import diagnose
from yarnspawner.container.held_port import hold_port
from yarnspawner.container.log import log
from yarnspawner.container.mount_daemon import MountDaemon
from yarnspawner.container.payload import RELEASE_SIGNAL, Launch
from yarnspawner.container.processes import GRACE_SECONDS, ContainerProcesses
from yarnspawner.container.scheduler import AttemptOverError, Scheduler
from yarnspawner.container.server import (
    ServerProcess,
    is_answering,
    is_listening,
    server_environment,
)
from yarnspawner.container.signals import SIGNALS, STOP_SIGNALS, StoppedError, stoppable
from yarnspawner.container.tokens import AMRM_TOKEN_KIND, TokenRefresh

LISTEN_POLL_SECONDS = 0.02
STOP_GRACE_SECONDS = 10.0
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 8.0
HEARTBEAT_SECONDS = 30.0


class Reporter(Protocol):
    """The recipient of reports about the server: the ResourceManager, or the hub under skein.

    Raises `ConnectError` or `RpcError` for failures that may pass, and `AttemptOverError` if the
    server must end.
    """

    def register(self, host: str, port: int, tracking_url: str) -> None:
        """Report that the server is ready."""

    def heartbeat(self) -> None:
        """Report that the server is alive."""

    def finish(self, status: FinalStatus, diagnostics: str) -> None:
        """Report how the server ended."""

    def close(self) -> None:
        """Close the connection."""


@dataclass
class Supervisor:
    """The main loop: the server between its start and its end."""

    server: subprocess.Popen[bytes]
    sock: socket.socket
    reporter: Reporter
    launch: Launch
    refresh: TokenRefresh | None = None
    mount: MountDaemon | None = None
    stop_reason: str | None = None
    registered: bool = False
    processes: ContainerProcesses = field(default_factory=ContainerProcesses)

    def __post_init__(self) -> None:
        self._port: int = self.sock.getsockname()[1]

    def run(self) -> int:
        """Run until the server and its child processes have ended; returns its exit code."""
        retry = RETRY_SECONDS
        due = 0.0
        while self.server.poll() is None and self.stop_reason is None:
            if time.monotonic() >= due:
                pause = HEARTBEAT_SECONDS
                if self.registered:
                    self._heartbeat()
                elif not self._is_ready():
                    pause = LISTEN_POLL_SECONDS
                elif not self._register():
                    pause, retry = retry, min(2 * retry, LONGEST_RETRY_SECONDS)
                due = time.monotonic() + pause
            next_due = due
            if self.refresh is not None:
                self.refresh.tick()
                next_due = min(next_due, self.refresh.due)
            if self.mount is not None:
                self.mount.tick()
                next_due = min(next_due, self.mount.due)
            self._wait(next_due - time.monotonic())
        if self.stop_reason is None and signal.sigpending() & set(STOP_SIGNALS):
            # YARN signals the whole process group, and the server may end before we see the signal.
            self._wait(0.0)
        self._end_all()
        return self.server.wait()

    def _wait(self, seconds: float) -> None:
        received = signal.sigtimedwait(SIGNALS, max(0.0, seconds))
        if received is None or received.si_signo == signal.SIGCHLD:
            return
        if received.si_signo == RELEASE_SIGNAL:
            # The server is a program that must bind the port itself.
            self.sock.close()
        else:
            self.stop_reason = f"stopped by {signal.Signals(received.si_signo).name}"

    def _is_ready(self) -> bool:
        if self.sock.fileno() >= 0:
            return is_listening(self.sock)
        return is_answering(self.launch.ip, self._port)

    def _register(self) -> bool:
        url = self.launch.environment.get("JUPYTERHUB_PUBLIC_URL", "")
        try:
            with stoppable():
                self.reporter.register(socket.gethostname(), self._port, url)
        except StoppedError as stopped:
            self.stop_reason = f"stopped by {stopped}"
            return False
        except ConnectError as error:
            log(f"registration failed, trying again: {error}")
            return False
        except (AttemptOverError, RpcError) as error:
            self.stop_reason = f"the registration was refused: {error}"
            return False
        log(f"registered: the server listens on port {self._port}")
        self.registered = True
        return True

    def _heartbeat(self) -> None:
        try:
            with stoppable():
                self.reporter.heartbeat()
        except StoppedError as stopped:
            self.stop_reason = f"stopped by {stopped}"
        except AttemptOverError as over:
            self.stop_reason = str(over)
        except (ConnectError, RpcError) as error:
            # The server continues without a ResourceManager, which will come back.
            log(f"heartbeat failed: {error}")

    def _end_all(self) -> None:
        grace = GRACE_SECONDS
        if self.server.poll() is None:
            log(f"ending the server: {self.stop_reason}")
            grace = STOP_GRACE_SECONDS
        if self.mount is not None:
            self.processes.last = self.mount.pid
        self.processes.terminate_from_child(grace)


def supervise(launch: Launch, program: str, server: ServerProcess) -> int:
    """Supervise the server to its end, and report why it ended; returns our exit code.

    Nothing is reported if we were stopped: YARN knows that cause. The port of a server that the hub
    has reached is held until the hub has noticed the end.
    """
    with closing(connect(launch, program)) as reporter:
        refresh = TokenRefresh(launch, program, server.environment) if launch.token_path else None
        mount = MountDaemon(server.mount, server.environment) if server.mount else None
        supervisor = Supervisor(server.process, server.sock, reporter, launch, refresh, mount)
        code = supervisor.run()
        if supervisor.stop_reason is None:
            report_end(reporter, code, diagnose(code, launch, server.environment))
            # Under skein YARN knows the end only after ours.
            if supervisor.registered and not launch.report_path and server.sock.fileno() >= 0:
                hold_port(server.sock, launch.hold_seconds)
    return code if code >= 0 else 128 - code


def report_failure(launch: Launch, program: str, sentence: str) -> None:
    """Report why the server could not be started."""
    with closing(connect(launch, program)) as reporter:
        report_end(reporter, 1, sentence)


def report_end(reporter: Reporter, code: int, diagnostics: str) -> None:
    """Report how the server ended; log it if the report fails."""
    try:
        with stoppable():
            reporter.finish(FinalStatus.FAILED if code else FinalStatus.SUCCEEDED, diagnostics)
    except (AttemptOverError, ConnectError, RpcError, StoppedError) as error:
        sentence = diagnostics.partition("\n")[0]
        log(f"the end could not be reported: {error}. {sentence}")


def connect(launch: Launch, program: str) -> Reporter:
    """Return the launch's reporter: the hub if it names a report path, else the ResourceManager."""
    if launch.report_path:
        from yarnspawner.container.reporter import HubReporter  # HTTP and TLS cost 6 MB

        environment = server_environment(launch, dict(os.environ), 0)
        return HubReporter(launch.report_path, environment, launch.key)
    # In this case the program is the container's credentials file.
    with open(program, "rb") as file:  # noqa: PTH123
        tokens = Credentials.from_bytes(file.read()).tokens.values()
    token = next(token for token in tokens if token.kind == AMRM_TOKEN_KIND)
    return Scheduler(launch.schedulers, token, launch.protections)
