"""The server's start: its port, its environment, its files, and its process.

The port is bound before the server starts and stays bound, so that no other process can take it.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass

from yarnspawner.container.log import log
from yarnspawner.container.payload import (
    CONFIGURATION_DIRECTORY,
    FAST_START_VARIABLE,
    LOCAL_ROOT_VARIABLE,
    MASTER_VARIABLE,
    MOUNT_REQUIRED_VARIABLE,
    MOUNT_SOCKET_VARIABLE,
    MOUNT_VARIABLE,
    PROGRAM_VARIABLE,
    PYTHON_VARIABLE,
    SOCKET_VARIABLE,
    Launch,
    server_command,
)

#: How many ports that are free over IPv4 are tried, until one is free over IPv6 too.
ANY_PORT_ATTEMPTS = 100

_ACTIVATE = """for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
  [ ! -r "$script" ] || . "$script"
done
"""


class NotStartedError(Exception):
    """The server could not be started. The message is one sentence for its user."""


class HeldPort(socket.socket):
    """The server's socket. If it is of IPv4, another holds the port over IPv6 and does not listen.

    Clients may try a node's IPv6 addresses first. They are refused there, and try IPv4.
    """

    _ipv6: socket.socket | None = None

    @property
    def descriptors(self) -> list[int]:
        """The file descriptors that hold the port, the server's first."""
        return [self.fileno(), *([self._ipv6.fileno()] if self._ipv6 else [])]

    def bind(self, address: tuple[str, int]) -> None:  # type: ignore[override]
        """Bind the address; raises OSError."""
        super().bind(address)
        if self.family == socket.AF_INET:
            try:
                self._ipv6 = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
                self._ipv6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self._ipv6.bind(("::", self.getsockname()[1]))
            except OSError as error:
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):  # no IPv6 here
                    raise

    def close(self) -> None:
        """Release the port."""
        if self._ipv6:
            self._ipv6.close()
        super().close()


@dataclass(frozen=True)
class ServerProcess:
    """The server's process, the socket that is held for it, and its environment.

    `mount` is the socket on which it sends the device of its mount; None if it does not mount.
    """

    process: subprocess.Popen[bytes]
    sock: HeldPort
    environment: dict[str, str]
    mount: socket.socket | None = None


def start(launch: Launch, program: str) -> ServerProcess:
    """Start the server with its port, files and tokens; raises `NotStartedError`."""
    try:
        sock = bind(launch.ip, launch.port_range)
    except OSError as error:
        raise NotStartedError(f"The notebook server got no port: {error.strerror}.") from error
    environment = server_environment(launch, dict(os.environ), sock.getsockname()[1])
    try:
        place_files(launch.files)
        if launch.token_path:
            from yarnspawner.container.tokens import place_tokens  # needed with Kerberos only

            place_tokens()
        mount, server_end = socket.socketpair() if launch.mount_path else (None, None)
        process = start_server(launch, program, environment, sock, server_end)
        if server_end is not None:
            server_end.close()
    except OSError as error:
        reason = f"{error.strerror} ({error.filename})"
        raise NotStartedError(f"The notebook server could not be started: {reason}.") from error
    except ValueError as error:  # a damaged token file, or a NUL in the command
        raise NotStartedError(f"The notebook server could not be started: {error}.") from error
    return ServerProcess(process, sock, environment, mount)


def bind(ip: str, port_range: tuple[int, int] | None) -> HeldPort:
    """Bind a free port of `port_range` (inclusive), or any free port if it is None.

    The socket does not listen yet. It has no SO_REUSEADDR, so that nobody else can bind the port.
    Raises OSError.
    """
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    ports = range(port_range[0], port_range[1] + 1) if port_range else [0] * ANY_PORT_ATTEMPTS
    for port in ports:
        sock = HeldPort(family, socket.SOCK_STREAM)
        try:
            sock.bind((ip, port))
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return sock
    wanted = "port of {}-{}".format(*port_range) if port_range else "port"
    raise OSError(errno.EADDRINUSE, f"no {wanted} is free")


def server_environment(launch: Launch, base: dict[str, str], port: int) -> dict[str, str]:
    """Return the server's environment: the launch's variables over `base`, the container's.

    The service URL gets the bound port. HOME is a directory of the container, because users may
    have no home directory on the nodes; lasting files are in HDFS.
    """
    environment = {**base, **launch.environment}
    environment.pop("CONDA_PREFIX", None)  # the NodeManager's or the hub's, if any
    bin_directory = os.path.dirname(sys.executable)  # noqa: PTH120 - pathlib costs 2 MB here
    prefix = os.path.dirname(bin_directory)  # noqa: PTH120
    if os.path.isdir(os.path.join(prefix, "etc/conda/activate.d")):  # noqa: PTH112, PTH118
        environment["CONDA_PREFIX"] = prefix
    environment["PATH"] = bin_directory + os.pathsep + environment.get("PATH", os.defpath)
    environment.setdefault("LANG", "C.UTF-8")
    if "HOME" not in launch.environment:
        environment["HOME"] = os.path.join(os.getcwd(), "home")  # noqa: PTH109, PTH118
    if f"{CONFIGURATION_DIRECTORY}/core-site.xml" in launch.files:
        _require_configuration(environment)
    for variable, path in launch.paths.items():
        environment[variable] = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118
    if "JUPYTERHUB_SERVICE_URL" in environment:
        scheme, _, rest = environment["JUPYTERHUB_SERVICE_URL"].partition("://")
        netloc, slash, path = rest.partition("/")
        host = netloc.rpartition(":")[0] or netloc
        environment["JUPYTERHUB_SERVICE_URL"] = f"{scheme}://{host}:{port}{slash}{path}"
    return environment


def _require_configuration(environment: dict[str, str]) -> None:
    """Use the hub's Hadoop configuration if the server cannot read the node's."""
    home = environment.get("HADOOP_HOME")
    directory = environment.get("HADOOP_CONF_DIR") or (
        f"{home}/etc/hadoop" if home else "/etc/hadoop/conf"
    )
    try:
        with open(f"{directory}/core-site.xml", "rb"):  # noqa: PTH123
            return
    except OSError as error:
        log(f"Using the hub's Hadoop configuration: {error.filename}: {error.strerror}.")
    environment["HADOOP_CONF_DIR"] = f"{os.getcwd()}/{CONFIGURATION_DIRECTORY}"  # noqa: PTH109


def place_files(files: dict[str, bytes]) -> None:
    """Write the launch's files into the container's directory, readable by its user only."""
    for path, content in files.items():
        directory = os.path.dirname(path)  # noqa: PTH120
        if directory:
            os.makedirs(directory, mode=0o700, exist_ok=True)  # noqa: PTH103
        # An existing file of that name is never overwritten, and a link never followed.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o600), "wb") as file:  # noqa: PTH123
            file.write(content)


def start_server(
    launch: Launch,
    program: str,
    environment: dict[str, str],
    sock: HeldPort,
    mount: socket.socket | None = None,
) -> subprocess.Popen[bytes]:
    """Start the server as our child, on the socket that we hold, in our process group.

    It sends the device of its mount on the socket `mount`. In a conda environment the packages'
    activation scripts run first.
    """
    os.makedirs(environment["HOME"], mode=0o700, exist_ok=True)  # noqa: PTH103
    command = [sys.executable, program, "singleuser", *launch.command]
    script = launch.script
    if "CONDA_PREFIX" in environment:
        script = _ACTIVATE + (script or f"exec {server_command(launch.command)}")
    own_variables = {
        SOCKET_VARIABLE: " ".join(map(str, sock.descriptors)),
        MASTER_VARIABLE: str(os.getpid()),
        PYTHON_VARIABLE: sys.executable,
        PROGRAM_VARIABLE: program,
        LOCAL_ROOT_VARIABLE: os.path.join(os.getcwd(), "local"),  # noqa: PTH109, PTH118
        FAST_START_VARIABLE: "1" if launch.fast_start else "",
    }
    descriptors = sock.descriptors
    if mount is not None:
        descriptors.append(mount.fileno())
        own_variables[MOUNT_VARIABLE] = launch.mount_path
        own_variables[MOUNT_REQUIRED_VARIABLE] = "1" if launch.mount_required else ""
        own_variables[MOUNT_SOCKET_VARIABLE] = str(mount.fileno())
    return subprocess.Popen(
        ["bash", "-c", script] if script else command,
        env={**environment, **own_variables},
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        # Our signals are blocked while we wait for them; the server must not inherit the mask.
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
    )


def is_listening(sock: socket.socket) -> bool:
    """Return whether a process, ours or another, listens on this socket."""
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def is_answering(ip: str, port: int) -> bool:
    """Return whether a process accepts connections at the port, on `ip` or on all addresses."""
    local = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(ip, ip)
    try:
        with socket.create_connection((local, port), timeout=1.0) as sock:
            # If the kernel picks the same port for our end, the socket is connected to itself.
            return bool(sock.getsockname() != sock.getpeername())
    except OSError:
        return False
