"""The private part of a launch: a zip among the secrets of the container's credentials.

YARN writes a container's credentials to a file that only the container's user can read. Nothing
else of a launch is private: its environment and command line are copied into scripts, logs and
reports. So the zip holds everything:

- `launch.json`: the server's command and environment, including the API token;
- our container-side modules, and a `__main__.py` that starts them.

Python finds a zip anywhere in a file if less than 64 KiB follow it, and runs its `__main__.py`. So
the token file *is* the program: the container's command is `python $HADOOP_TOKEN_FILE_LOCATION`,
with no arguments to quote and no file to stage in HDFS. skein does not allow additions to the
credentials; there the zip is a separate private file.
"""

from __future__ import annotations

import binascii
import json
import os
import shlex
import signal
import zipimport
from dataclasses import asdict, dataclass, field

#: The payload's name among the credentials' secrets.
SECRET_ALIAS = "yarnhub.payload"

LAUNCH_MEMBER = "launch.json"

#: The file of the server's delegation tokens, in the container's directory; it is kept fresh.
TOKENS_FILE = "hadoop_tokens"

#: The directory of the hub's Hadoop configuration, in the container's directory.
CONFIGURATION_DIRECTORY = "hadoop_conf"

#: The server's variable with the file descriptors of the held sockets, its own first.
SOCKET_VARIABLE = "YARNHUB_SOCKET"

#: The server's variable with the application master's process id.
MASTER_VARIABLE = "YARNHUB_MASTER"

#: The server's variable with the interpreter, for a script that starts the server.
PYTHON_VARIABLE = "YARNHUB_PYTHON"

#: The server's variable with the path of our program.
PROGRAM_VARIABLE = "YARNHUB_PROGRAM"

#: The server's variable with the path at which HDFS is mounted; not set without a mount.
MOUNT_VARIABLE = "YARNHUB_MOUNT"

#: The server's variable with the reason, one sentence, why HDFS is not mounted.
MOUNT_FAILURE_VARIABLE = "YARNHUB_MOUNT_FAILURE"

#: The variable of the server's process that is set if it leaves out work that nothing needs yet.
FAST_START_VARIABLE = "YARNHUB_FAST_START"

#: The variable of the server's process that is set if it must not start without a mount.
MOUNT_REQUIRED_VARIABLE = "YARNHUB_MOUNT_REQUIRED"

#: The variable of the server's process with the descriptor of the socket for the mount's device.
MOUNT_SOCKET_VARIABLE = "YARNHUB_MOUNT_SOCKET"

#: The server's variable with the directory that is the local root of a server without a mount.
LOCAL_ROOT_VARIABLE = "YARNHUB_LOCAL_ROOT"

#: Asks the application master to release the port.
RELEASE_SIGNAL = signal.SIGUSR1

#: Begins the command by which a script starts the server.
SERVER_PREFIX = f'"${PYTHON_VARIABLE}" "${PROGRAM_VARIABLE}" singleuser'


#: The longest pause before new tokens are requested again, in seconds.
LONGEST_RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class Launch:
    """The application master's instructions.

    - `command`: the server's command line.
    - `environment`: the server's variables, merged over those that YARN sets in the container.
    - `schedulers`: the ResourceManagers' `(host, port)` for application masters.
    - `ip`, `port_range`: the address and the ports (inclusive) on which the server may listen; with
      None it listens on any free port.
    - `script`: bash that starts the server with `server_command`; empty if no script is needed.
    - `files`: private files by their paths, relative to the container's directory.
    - `paths`: variables of the server that get the absolute paths of files in that directory.
    - `report_path`: the path below the hub's API to report the port to; empty if YARN reports it.
    - `token_path`: the path below the hub's API that returns new delegation tokens, fetched every
      `token_refresh_seconds`; empty without Kerberos.
    - `key`: the key of this start, for requests to the hub (`yarnspawner.container.sealing`).
    - `hold_seconds`: how long the port of a server that has ended is held.
    - `protections`: of the connections to the schedulers, as `hadoop_client.rpc.call.Login` takes.
    - `mount_path`: the directory at which the server mounts HDFS; empty for no mount.
    - `mount_required`: whether the start fails if HDFS cannot be mounted.
    - `fast_start`: whether the server defers imports that its start does not need.
    """

    command: list[str] = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    schedulers: list[tuple[str, int]]
    ip: str = ""
    port_range: tuple[int, int] | None = None
    script: str = ""
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    paths: dict[str, str] = field(default_factory=dict)
    report_path: str = ""
    token_path: str = ""
    token_refresh_seconds: float = 0.0
    key: bytes = field(default=b"", repr=False)
    hold_seconds: float = 0.0
    protections: tuple[str, ...] = ()
    mount_path: str = ""
    mount_required: bool = False
    fast_start: bool = True

    def __post_init__(self) -> None:
        for path in self.files:
            if os.path.isabs(path) or ".." in path.split("/"):  # noqa: PTH117 - costs 2 MB
                raise ValueError(f"{path!r} must be a path within the container's directory")

    def to_json(self) -> bytes:
        """Serialize for `launch.json`."""
        fields = asdict(self)
        fields["key"] = self.key.hex()
        fields["files"] = {
            path: binascii.b2a_base64(content, newline=False).decode()
            for path, content in self.files.items()
        }
        return json.dumps(fields).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Launch:
        """Parse the result of `to_json`. JSON's lists become tuples again."""
        fields = json.loads(data)
        fields["key"] = bytes.fromhex(fields["key"])
        fields["schedulers"] = [(host, port) for host, port in fields["schedulers"]]
        fields["protections"] = tuple(fields["protections"])
        if fields["port_range"] is not None:
            fields["port_range"] = tuple(fields["port_range"])
        fields["files"] = {
            path: binascii.a2b_base64(content) for path, content in fields["files"].items()
        }
        return cls(**fields)

    @classmethod
    def read(cls, program: str) -> Launch:
        """Read the launch from the file with the payload."""
        return cls.from_json(zipimport.zipimporter(program).get_data(LAUNCH_MEMBER))


def retry_seconds(refresh_seconds: float) -> float:
    """Return the pause after a failed request for tokens that are due every `refresh_seconds`."""
    return min(LONGEST_RETRY_SECONDS, refresh_seconds / 10)


def server_command(command: list[str]) -> str:
    """Return the command of a script that starts the server on the held port."""
    return f"{SERVER_PREFIX} {shlex.join(command)}"
