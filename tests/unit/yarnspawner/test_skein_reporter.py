from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hadoop_client.rpc.call import ConnectError
from yarnspawner.container.reporter import HubReporter
from yarnspawner.container.scheduler import AttemptOverError
from yarnspawner.container.sealing import verify

KEY = bytes(range(32))


class RecordingHub(HTTPServer):
    """Answers each request with `status`, and keeps what it was told."""

    status = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: list[tuple[str, str | None, bytes]] = []

    def reporter(self) -> HubReporter:
        environment = {
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{self.server_port}/hub/api",
            "JUPYTERHUB_API_TOKEN": "s3cr3t",
        }
        return HubReporter("users/alice/server/port", environment, KEY)


class Handler(BaseHTTPRequestHandler):
    server: RecordingHub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[RecordingHub]:
    with RecordingHub() as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


def test_the_hub_is_told_the_port_and_nothing_else(hub: RecordingHub):
    hub.reporter().register("node1", 1234, "http://elsewhere/")
    ((path, authorization, body),) = hub.told
    assert (path, body) == ("/hub/api/users/alice/server/port", b'{"port": 1234}')
    assert verify(KEY, authorization or "", "port", body)
    assert "s3cr3t" not in str(hub.told)


def test_a_report_whose_answer_was_lost_is_as_good_as_told(hub: RecordingHub):
    hub.status = 409
    hub.reporter().register("node1", 1234, "")


@pytest.mark.parametrize("status", [302, 400, 403, 404])
def test_a_hub_that_does_not_want_the_server_ends_it(hub: RecordingHub, status: int):
    hub.status = status
    with pytest.raises(AttemptOverError, match=str(status)):
        hub.reporter().register("node1", 1234, "")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_hub_or_its_proxy_that_has_just_no_time_is_told_again(hub: RecordingHub, status: int):
    hub.status = status
    with pytest.raises(ConnectError, match=str(status)):
        hub.reporter().register("node1", 1234, "")


def test_a_hub_that_is_away_is_told_again(hub: RecordingHub):
    reporter = hub.reporter()
    hub.server_close()
    with pytest.raises(ConnectError, match="does not answer"):
        reporter.register("node1", 1234, "")
