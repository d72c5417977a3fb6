"""What a launch carries privately: one zip, put among the credentials' secrets.

YARN writes a container's credentials to a file that only the container's user can read, and
nothing else of a launch is private: its environment and command line are copied into scripts, logs
and reports. So everything goes through that file:

- `launch.json`: the server's command and environment, the API token included;
- our container-side modules, and a `__main__.py` that starts them.

A zip may stand anywhere in a file as long as less than 64 KiB follow it, and Python runs a file
that holds a zip with a `__main__.py`. So the token file *is* the program: the container's command
is `python $HADOOP_TOKEN_FILE_LOCATION`, with nothing to quote and nothing staged in HDFS.
"""

from __future__ import annotations

import json
import zipimport
from dataclasses import asdict, dataclass, field

SECRET_ALIAS = "yarnhub.payload"
"""The payload's name among the credentials' secrets."""

LAUNCH_MEMBER = "launch.json"


@dataclass(frozen=True)
class Launch:
    """What the application master needs to know.

    `environment` is the server's, and is merged over what YARN gives the container. `schedulers`
    are the ResourceManagers' addresses for application masters, `(host, port)` each. The server
    listens on `ip`, on a port of `port_range` (inclusive) or, where that is None, on any free one.
    """

    command: list[str] = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    schedulers: list[tuple[str, int]]
    ip: str = ""
    port_range: tuple[int, int] | None = None

    def to_json(self) -> bytes:
        """Serialize for `launch.json`."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Launch:
        """Read what `to_json` wrote. JSON has no tuples: they are made again here."""
        fields = json.loads(data)
        fields["schedulers"] = [(host, port) for host, port in fields["schedulers"]]
        if fields["port_range"] is not None:
            fields["port_range"] = tuple(fields["port_range"])
        return cls(**fields)

    @classmethod
    def read(cls, token_file: str) -> Launch:
        """Read the launch from the token file that holds the payload."""
        return cls.from_json(zipimport.zipimporter(token_file).get_data(LAUNCH_MEMBER))
