"""The application master: starts the server, tells YARN where it is, and in the end why it ended.

- It binds the server's port before the server starts, and keeps it: registration, which is how the
  hub learns the port, comes when the server listens on that very socket. RUNNING means ready.
- The server ends with it: on SIGTERM, when the ResourceManager says so, and when the
  ResourceManager no longer knows the attempt. Both are in one process group, which is what the
  NodeManager kills.
- The server's script, where there is one, runs in the container's folder with its private files.
- When the server ends by itself, the exit code and its last lines of output, free of secrets,
  become the application's diagnostics.

One thread and no pipe: the server writes straight into the container's log files, and the main
loop is a wait for signals that ends when the next heartbeat is due.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from yarnspawner.container.diagnostics import diagnose
from yarnspawner.container.payload import Launch
from yarnspawner.container.scheduler import AttemptOver, Scheduler
from yarnspawner.container.singleuser import (
    MASTER_VARIABLE,
    PYTHON_VARIABLE,
    RELEASE_SIGNAL,
    SOCKET_VARIABLE,
)
from yarnspawner.hadoop.applicationmaster import FinalStatus
from yarnspawner.hadoop.credentials import Credentials
from yarnspawner.hadoop.rpc import ConnectError, RpcError

AMRM_TOKEN_KIND = "YARN_AM_RM_TOKEN"
LISTEN_POLL_SECONDS = 0.05
STOP_GRACE_SECONDS = 10.0
RETRY_SECONDS = 1.0
HEARTBEAT_SECONDS = 30.0
SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, RELEASE_SIGNAL)


def bind(ip: str, port_range: tuple[int, int] | None) -> socket.socket:
    """Bind a free port of `port_range` (inclusive), any free one where it is None; not listening.

    Without SO_REUSEADDR, so that nobody else can bind the port as long as we hold it.
    """
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    first, last = port_range or (0, 0)
    for port in range(first, last + 1):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.bind((ip, port))
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return sock
    raise OSError(errno.EADDRINUSE, f"no port of {first}-{last} is free")


def server_environment(launch: Launch, base: dict[str, str], port: int) -> dict[str, str]:
    """Merge what YARN gave the container with what the launch asks for.

    The service URL gets the port that was bound. HOME is a folder of the container, since users
    need no account on the nodes; what should last is in HDFS.
    """
    environment = {**base, **launch.environment}
    bin_folder = os.path.dirname(sys.executable)  # noqa: PTH120 - pathlib costs 2 MB here
    environment["PATH"] = bin_folder + os.pathsep + environment.get("PATH", os.defpath)
    environment.setdefault("LANG", "C.UTF-8")
    if "HOME" not in launch.environment:
        environment["HOME"] = os.path.join(os.getcwd(), "home")  # noqa: PTH109, PTH118
    for variable, path in launch.paths.items():
        environment[variable] = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118
    if "JUPYTERHUB_SERVICE_URL" in environment:
        scheme, _, rest = environment["JUPYTERHUB_SERVICE_URL"].partition("://")
        netloc, slash, path = rest.partition("/")
        host = netloc.rpartition(":")[0] or netloc
        environment["JUPYTERHUB_SERVICE_URL"] = f"{scheme}://{host}:{port}{slash}{path}"
    return environment


def place_files(files: dict[str, bytes]) -> None:
    """Write the launch's files into the container's folder, for its user only."""
    for path, content in files.items():
        folder = os.path.dirname(path)  # noqa: PTH120
        if folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
        # A file of that name may be somebody's: it is never written through.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o600), "wb") as file:  # noqa: PTH123
            file.write(content)


def start_server(
    launch: Launch, environment: dict[str, str], sock: socket.socket
) -> subprocess.Popen[bytes]:
    """Start the server as our child, on the socket that we hold, in our process group."""
    os.makedirs(environment["HOME"], mode=0o700, exist_ok=True)  # noqa: PTH103
    token_file = os.environ["HADOOP_TOKEN_FILE_LOCATION"]
    program = [sys.executable, token_file, "singleuser", *launch.command]
    ours = {
        SOCKET_VARIABLE: str(sock.fileno()),
        MASTER_VARIABLE: str(os.getpid()),
        PYTHON_VARIABLE: sys.executable,
    }
    return subprocess.Popen(
        ["bash", "-c", launch.script] if launch.script else program,
        env={**environment, **ours},
        pass_fds=[sock.fileno()],
        stdin=subprocess.DEVNULL,
        # We wait for our signals with them blocked; the server must not inherit that.
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS),
    )


def is_listening(sock: socket.socket) -> bool:
    """Tell whether anybody listens on this socket, in whichever process."""
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def is_answering(ip: str, port: int) -> bool:
    """Tell whether anybody accepts connections there; one that listens anywhere does here too."""
    local = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(ip, ip)
    try:
        socket.create_connection((local, port), timeout=1.0).close()
    except OSError:
        return False
    return True


@dataclass
class Supervisor:
    """The main loop: the server between its start and its end."""

    server: subprocess.Popen[bytes]
    sock: socket.socket
    scheduler: Scheduler
    launch: Launch
    stop_reason: str | None = None

    def __post_init__(self) -> None:
        self._port: int = self.sock.getsockname()[1]

    def run(self) -> int:
        """Run until the server has ended; returns its exit code."""
        registered = False
        due = 0.0
        while self.server.poll() is None and self.stop_reason is None:
            if time.monotonic() >= due:
                pause = HEARTBEAT_SECONDS
                if registered:
                    self._heartbeat()
                elif not self._is_ready():
                    pause = LISTEN_POLL_SECONDS
                elif self._register():
                    registered = True
                else:
                    pause = RETRY_SECONDS
                due = time.monotonic() + pause
            self._wait(due - time.monotonic())
        if self.server.poll() is None:
            self._stop()
        elif signal.sigpending() & {signal.SIGTERM, signal.SIGINT}:
            # YARN ends the whole process group, and the server may be the first to go.
            self._wait(0.0)
        return self.server.wait()

    def _wait(self, seconds: float) -> None:
        received = signal.sigtimedwait(SIGNALS, max(0.0, seconds))
        if received is None or received.si_signo == signal.SIGCHLD:
            return
        if received.si_signo == RELEASE_SIGNAL:
            # The server is a program that has to bind the port itself.
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
            self.scheduler.register(socket.gethostname(), self._port, url)
        except ConnectError as error:
            log(f"registration failed, trying again: {error}")
            return False
        except (AttemptOver, RpcError) as error:
            self.stop_reason = f"YARN refused the registration: {error}"
            return False
        log(f"registered: the server listens on port {self._port}")
        return True

    def _heartbeat(self) -> None:
        try:
            self.scheduler.heartbeat()
        except AttemptOver as over:
            self.stop_reason = str(over)
        except (ConnectError, RpcError) as error:
            # The server works on without a ResourceManager, and that comes back.
            log(f"heartbeat failed: {error}")

    def _stop(self) -> None:
        log(f"ending the server: {self.stop_reason}")
        # All of our process group, kernels in groups of their own are the server's to end. The
        # signal reaches us too, but we have it blocked.
        os.killpg(0, signal.SIGTERM)
        try:
            self.server.wait(STOP_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.server.kill()


def log(message: str) -> None:
    """Write a line to the container's log."""
    print(f"[yarnhub] {message}", file=sys.stderr, flush=True)  # noqa: T201


def run(launch: Launch, scheduler: Scheduler) -> int:
    """Run the server to its end, and tell the ResourceManager why it ended; returns our exit code.

    Whoever stopped us has told the ResourceManager why already.
    """
    try:
        sock = bind(launch.ip, launch.port_range)
    except OSError as error:
        report_end(scheduler, 1, f"The notebook server got no port: {error.strerror}.")
        return 1
    environment = server_environment(launch, dict(os.environ), sock.getsockname()[1])
    try:
        place_files(launch.files)
        server = start_server(launch, environment, sock)
    except OSError as error:
        report_end(scheduler, 1, f"The notebook server could not be started: {error}.")
        return 1
    supervisor = Supervisor(server, sock, scheduler, launch)
    code = supervisor.run()
    if supervisor.stop_reason is None:
        report_end(scheduler, code, diagnose(code, environment))
    return code if code >= 0 else 128 - code


def report_end(scheduler: Scheduler, code: int, diagnostics: str) -> None:
    """Tell the ResourceManager how the server ended, if it can be told."""
    try:
        scheduler.finish(FinalStatus.FAILED if code else FinalStatus.SUCCEEDED, diagnostics)
    except (AttemptOver, ConnectError, RpcError) as error:
        log(f"could not tell YARN why the server ended: {error}")


def main() -> int:
    """Run the application; returns the exit code of the container."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    token_file = os.environ["HADOOP_TOKEN_FILE_LOCATION"]
    os.chmod(token_file, 0o600)  # noqa: PTH101 - YARN leaves that to the folder's mode
    launch = Launch.read(token_file)
    with open(token_file, "rb") as file:  # noqa: PTH123
        tokens = Credentials.from_bytes(file.read()).tokens.values()
    token = next(token for token in tokens if token.kind == AMRM_TOKEN_KIND)
    scheduler = Scheduler(launch.schedulers, token)
    try:
        return run(launch, scheduler)
    finally:
        scheduler.close()
