"""A server's word for its own address is checked: the hub routes nobody to another's port."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import running_applications
from yarnhub.minihadoop import MiniHadoop

LIAR = Path(__file__).with_name("liar.py")
ELSEWHERE = "elsewhere.example"
FAILURES_BY_PORT = r'^yarnspawner_start_failures_total\{reason="port"\} (\S+)$'


@pytest.fixture
def refused(hub: Hub, hadoop: MiniHadoop) -> Callable[..., str]:
    """`refused(port)`: alice's server registers this port; returns what she is told."""

    def failures() -> float:
        counts = re.findall(FAILURES_BY_PORT, hub.get("/hub/metrics").text, re.MULTILINE)
        return float(counts[0]) if counts else 0

    def start(port: int, extra_config: str = "") -> str:
        before = failures()
        lies = f"c.YarnSpawner.cmd = [{str(LIAR)!r}, {ELSEWHERE!r}, {str(port)!r}]\n"
        message = hub.refuse_server("alice", lies + extra_config)
        assert failures() == before + 1
        assert "/user/alice/ =>" not in hub.log()
        assert not running_applications(hadoop, "alice")
        return message

    return start


@pytest.fixture
def bobs_port(hub: Hub) -> int:
    """The port of a server of bob's."""
    hub.start_server("bob")
    (port,) = set(re.findall(r"/user/bob/ => http://[^:]*:(\d+)", hub.log()))
    return int(port)


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def test_the_port_of_somebody_elses_server_is_refused(refused: Callable[..., str], bobs_port: int):
    assert "Another server answers" in refused(bobs_port)


def test_the_port_of_a_daemon_of_the_node_is_refused(
    refused: Callable[..., str], hadoop: MiniHadoop
):
    assert "Another server answers" in refused(hadoop.state.ports.nodemanager_http)


def test_a_port_that_answers_nothing_is_refused_and_the_host_is_the_nodes(
    refused: Callable[..., str], mute_port: int
):
    message = refused(mute_port, "c.Spawner.http_timeout = 5\n")
    assert "does not answer" in message
    assert ELSEWHERE not in message


@pytest.mark.parametrize(
    ("port", "extra_config"),
    [(65536, ""), (30999, "c.YarnSpawner.port_range = (31000, 31100)\n")],
)
def test_a_port_that_is_not_allowed_is_refused(
    refused: Callable[..., str], port: int, extra_config: str
):
    assert "port_range does not allow" in refused(port, extra_config)
