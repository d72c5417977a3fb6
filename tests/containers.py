"""The processes of an application's container, by the CONTAINER_ID that they inherit."""

from __future__ import annotations

import re
from pathlib import Path


def processes_of(application_id: str) -> list[int]:
    """The processes of the application's container."""
    # Containers of a ResourceManager that was restarted have its epoch in their ids.
    number = application_id.removeprefix("application")
    ours = re.compile(rf"CONTAINER_ID=container(_e\d+)?{number}_".encode())
    processes = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [process for process in processes if ours.search(environment(process))]


def environment(process: int) -> bytes:
    """The variables of a process, separated by NUL; empty if it has ended."""
    return _read(process, "environ")


def command(process: int) -> bytes:
    """The arguments of a process, separated by NUL; empty if it has ended."""
    return _read(process, "cmdline")


def _read(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        return b""
