"""What a launch carries privately: one zip, put among the credentials' secrets.

YARN writes a container's credentials to a file that only the container's user can read, and
nothing else of a launch is private: its environment and command line are copied into scripts, logs
and reports. So everything goes through that file:

- `launch.json`: the server's command and environment, the API token included;
- our container-side modules, and a `__main__.py` that starts them.

A zip may stand anywhere in a file as long as less than 64 KiB follow it, and Python runs a file
that holds a zip with a `__main__.py`. So the token file *is* the program: the container's command
is `python $HADOOP_TOKEN_FILE_LOCATION`, with nothing to quote and nothing staged in HDFS. skein
lets nobody add to the credentials: there the zip is a private file of its own.
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

#: Where in the container's folder the server's delegation tokens are kept fresh.
TOKENS_FILE = "hadoop_tokens"

#: Names the file descriptor of the held socket in the server's environment.
SOCKET_VARIABLE = "YARNHUB_SOCKET"

#: Names the application master's process there.
MASTER_VARIABLE = "YARNHUB_MASTER"

#: Names the interpreter there, for a script that starts the server.
PYTHON_VARIABLE = "YARNHUB_PYTHON"

#: Names the file with our program there.
PROGRAM_VARIABLE = "YARNHUB_PROGRAM"

#: Asks the application master to let go of the port.
RELEASE_SIGNAL = signal.SIGUSR1

#: How a script starts our half of the server's process.
SERVER_PREFIX = f'"${PYTHON_VARIABLE}" "${PROGRAM_VARIABLE}" singleuser'


@dataclass(frozen=True)
class Launch:
    """What the application master needs to know.

    `environment` is the server's, and is merged over what YARN gives the container. `schedulers`
    are the ResourceManagers' addresses for application masters, `(host, port)` each. The server
    listens on `ip`, on a port of `port_range` (inclusive) or, where that is None, on any free one.

    `script` is bash that starts the server by `server_command`; empty where nothing else is to run.
    `files` are put into the container's folder, by their path there, for its user only. `paths` are
    variables of the server's environment that get the full path of something in that folder.

    `report_path` is where below the hub's API the port is reported; empty where YARN is told it.
    `token_path` is where there the server's delegation tokens come from, every
    `token_refresh_seconds`; empty where it needs none.
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

    def __post_init__(self) -> None:
        for path in self.files:
            if os.path.isabs(path) or ".." in path.split("/"):  # noqa: PTH117 - costs 2 MB
                raise ValueError(f"{path!r} is no path within the container's folder")

    def to_json(self) -> bytes:
        """Serialize for `launch.json`."""
        fields = asdict(self)
        fields["files"] = {
            path: binascii.b2a_base64(content, newline=False).decode()
            for path, content in self.files.items()
        }
        return json.dumps(fields).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Launch:
        """Read what `to_json` wrote. JSON has no tuples: they are made again here."""
        fields = json.loads(data)
        fields["schedulers"] = [(host, port) for host, port in fields["schedulers"]]
        if fields["port_range"] is not None:
            fields["port_range"] = tuple(fields["port_range"])
        fields["files"] = {
            path: binascii.a2b_base64(content) for path, content in fields["files"].items()
        }
        return cls(**fields)

    @classmethod
    def read(cls, program: str) -> Launch:
        """Read the launch from the file that holds the payload."""
        return cls.from_json(zipimport.zipimporter(program).get_data(LAUNCH_MEMBER))


def server_command(command: list[str]) -> str:
    """Return the line of a script that starts the server on the port that is held for it."""
    return f"{SERVER_PREFIX} {shlex.join(command)}"
