"""The port is told to a hub on loopback: over TLS, and by the payload as it travels."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from certipy import Certipy

from hadoop_client.rpc.call import ConnectError
from tests.hadoop.hub import LIGHT_SERVER
from yarnspawner.container.payload import Launch
from yarnspawner.container.reporter import HubReporter
from yarnspawner.launch.program import build_payload

TOKEN = "0123456789abcdef"
KEY = bytes(range(32))
PATH = "users/alice/server/port"


class Hub(ThreadingHTTPServer):
    """Answers with `statuses` in turn, the last one for ever, and keeps what it was told."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Report)
        self.statuses = list(statuses)
        self.told: list[tuple[str, str | None, object]] = []
        self.was_told = threading.Semaphore(0)

    def use_tls(self, context: ssl.SSLContext) -> None:
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client without a certificate is no news."""


class Report(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, self.headers["Authorization"], body))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.end_headers()
        self.server.was_told.release()

    def log_message(self, format: str, *args: object) -> None:
        pass


StartHub = Callable[..., Hub]


@pytest.fixture
def start_hub() -> Iterator[StartHub]:
    """`start_hub(*statuses)`: a hub that gives these answers; with TLS where a context is given."""
    hubs: list[Hub] = []

    def start(*statuses: int, context: ssl.SSLContext | None = None) -> Hub:
        hubs.append(Hub(*statuses))
        if context is not None:
            hubs[-1].use_tls(context)
        threading.Thread(target=hubs[-1].serve_forever, daemon=True).start()
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.shutdown()
        hub.server_close()


def tell(port: int, scheme: str = "http", **tls: str) -> None:
    url = f"{scheme}://127.0.0.1:{port}/hub/api"
    environment = {"JUPYTERHUB_API_URL": url, "JUPYTERHUB_API_TOKEN": TOKEN, **tls}
    HubReporter(PATH, environment, KEY).register("a-host", 4711, "http://url/")


def test_certificates_are_shown_and_wanted_where_the_launch_has_them(
    start_hub: StartHub, tmp_path: Path
):
    certipy = Certipy(store_dir=str(tmp_path))
    certipy.create_ca("authority")
    certipy.create_signed_pair("hub", "authority", alt_names=["IP:127.0.0.1"])
    certipy.create_signed_pair("server", "authority")
    authority = str(tmp_path / "authority" / "authority.crt")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(tmp_path / "hub" / "hub.crt", tmp_path / "hub" / "hub.key")
    hub = start_hub(200, context=context)
    trusting = {"JUPYTERHUB_SSL_CLIENT_CA": authority}
    with pytest.raises(ConnectError):
        tell(hub.server_port, "https")
    with pytest.raises(ConnectError):
        tell(hub.server_port, "https", **trusting)
    assert hub.told == []
    tell(
        hub.server_port,
        "https",
        **trusting,
        JUPYTERHUB_SSL_CERTFILE=str(tmp_path / "server" / "server.crt"),
        JUPYTERHUB_SSL_KEYFILE=str(tmp_path / "server" / "server.key"),
    )
    assert len(hub.told) == 1


@pytest.fixture
def run_payload(tmp_path: Path) -> Iterator[Callable[[Hub], subprocess.Popen[bytes]]]:
    """Run a payload as a file of the container's folder, for a server that is ready at once."""
    processes: list[subprocess.Popen[bytes]] = []

    def run(hub: Hub) -> subprocess.Popen[bytes]:
        (tmp_path / "payload").write_bytes(
            build_payload(
                Launch(
                    [str(LIGHT_SERVER)],
                    {
                        "JUPYTERHUB_API_TOKEN": TOKEN,
                        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api",
                        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0/user/alice/",
                    },
                    [],
                    ip="127.0.0.1",
                    report_path=PATH,
                    key=KEY,
                )
            )
        )
        environment = {**os.environ, "CONTAINER_ID": f"container_{tmp_path}"}
        environment.pop("HADOOP_TOKEN_FILE_LOCATION", None)
        processes.append(
            subprocess.Popen(
                [sys.executable, "-E", "-S", "payload"],
                cwd=tmp_path,
                env=environment,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        )
        return processes[-1]

    yield run
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().status


def test_the_payload_tells_a_hub_that_was_away_where_the_server_is(start_hub, run_payload):
    hub = start_hub(503, 200)
    process = run_payload(hub)
    for _ in range(2):
        assert hub.was_told.acquire(timeout=60), process.poll()
    (_, _, body) = hub.told[-1]
    assert get(body["port"], "/user/alice/api") == 200
    assert get(body["port"], "/user/alice/end") == 200
    assert process.wait(60) == 0


def test_a_server_that_the_hub_does_not_want_ends(start_hub, run_payload):
    hub = start_hub(403)
    process = run_payload(hub)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert b"the hub rejected the server's port (status 403)" in said
    (_, _, body) = hub.told[0]
    with pytest.raises(ConnectionRefusedError):
        get(body["port"], "/user/alice/api")
