"""What the tests of faults share: which node runs a server, and what is left of it there."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hadoop.yarn_rest import application
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.daemon import Daemon
from yarnhub.minihadoop.ports import node_host


@pytest.fixture
def node_of(hadoop: MiniHadoop) -> Callable[[str], Daemon]:
    """`node_of(application_id)`: the NodeManager that runs the application's container."""

    def find(application_id: str) -> Daemon:
        host = application(hadoop, application_id)["amHostHttpAddress"].partition(":")[0]
        hosts = [node_host(index) for index in range(len(hadoop.nodemanagers))]
        return hadoop.nodemanagers[hosts.index(socket.gethostbyname(host))]

    return find


@pytest.fixture(scope="session")
def processes_of() -> Callable[[str], list[int]]:
    """`processes_of(application_id)`: the processes of the application's container."""

    def find(application_id: str) -> list[int]:
        # Containers of a ResourceManager that was restarted have its epoch in their ids.
        number = application_id.removeprefix("application")
        ours = re.compile(rf"CONTAINER_ID=container(_e\d+)?{number}_".encode())
        return [
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if ours.search(_environment(folder))
        ]

    return find


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
