"""Whether WebHDFS takes the name of a user, or wants a ticket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from yarnhub.minihadoop import readiness
from yarnhub.minihadoop.ports import Ports, held_ports
from yarnhub.minihadoop.readiness import nodemanager_ready, wants_ticket


@contextmanager
def namenode(status: int) -> Iterator[str]:
    """A server that answers each request with this status; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "wanted"), [(200, False), (401, True), (503, False)])
def test_only_a_refusal_without_authentication_asks_for_a_ticket(status: int, wanted: bool):
    with namenode(status) as url:
        assert wants_ticket(url) is wanted


def test_a_server_that_is_not_there_wants_nothing():
    with held_ports(1) as (port,):
        assert wants_ticket(f"http://127.0.0.1:{port}") is False


@pytest.mark.parametrize("active", [0, 1])
def test_the_active_resourcemanager_is_asked_for_its_nodes(
    active: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The redirect of the standby one is not followed."""
    ports = Ports(10_000)
    node = {"id": "node:1", "state": "RUNNING", "lastHealthUpdate": 5}
    info = {"state": "STARTED", "haState": "ACTIVE"}
    answers = {
        f"http://{ports.nodemanager_host(0)}:{ports.nodemanager_http}/ws/v1/node/info": {
            "nodeInfo": {"id": "node:1"}
        },
        f"{ports.resourcemanager_url(active)}/ws/v1/cluster/info": {"clusterInfo": info},
        f"{ports.resourcemanager_url(active)}/ws/v1/cluster/nodes": {"nodes": {"node": [node]}},
        f"{ports.resourcemanager_url(1 - active)}/ws/v1/cluster/info": {
            "clusterInfo": {**info, "haState": "STANDBY"}
        },
    }
    monkeypatch.setattr(readiness, "get_json", lambda url: answers.get(url, {}))
    assert nodemanager_ready(ports, 0, since_ms=5)
    assert not nodemanager_ready(ports, 0, since_ms=6)
