"""What the tests of faults share: which node runs a server, and what is left of it there."""

from __future__ import annotations

import socket
from collections.abc import Callable

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
