"""A neighbour on the network sees neither tokens nor anything by which it could get them."""

from __future__ import annotations

import asyncio
import http.client
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from hadoop_client.security.credentials import Credentials, Token
from yarnspawner.container import tokens as container_tokens
from yarnspawner.container.payload import Launch
from yarnspawner.container.sealing import authorization, new_nonce
from yarnspawner.hub.token_endpoint import TokensHandler, path
from yarnspawner.launch.program import build_payload
from yarnspawner.launcher.port_endpoint import PortHandler, PortReport
from yarnspawner.launcher.signed_request import start_key

API_TOKEN = "0123456789abcdef0123456789abcdef"
COOKIE_SECRET = b"the hub's own secret, of 32 bytes"
KEY = start_key(COOKIE_SECRET, "yarnhub-spawn-1")
TOKEN = Token(b"an identifier", b"a password of 20 byt", "HDFS_DELEGATION_TOKEN", "n1:8020")


class FakeSpawner:
    """The part of a spawner that the endpoints use."""

    pending = None
    port_range = None

    def __init__(self) -> None:
        self.start_key = KEY
        self.fetched = 0
        self.port_report = PortReport()

    async def fresh_tokens(self) -> dict[str, Token]:
        self.fetched += 1
        return {TOKEN.service: TOKEN}

    def keep_port_report(self, report: PortReport) -> None:
        self.port_report = report


class Network:
    """Forwards connections to a port, keeps all bytes, and may replay an answer."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.seen = b""
        self.replayed: bytes | None = None
        self.answers: list[bytes] = []

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", request)
        request += await reader.readexactly(int(length[1]) if length else 0)
        self.seen += request
        answer = self.replayed
        if answer is None:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
            up_writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            answer = await up_reader.read()
            up_writer.close()
        self.seen += answer
        self.answers.append(answer)
        writer.write(answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def network_to(spawner: FakeSpawner) -> AsyncIterator[tuple[Network, int]]:
    user = SimpleNamespace(orm_spawners={"": None}, spawners={"": spawner})

    class Hub(RequestHandler):
        get, post = TokensHandler.get, PortHandler.post

        def find_user(self, name: str) -> Any:
            return user if name == "alice" else None

    (socket,) = bind_sockets(0, "127.0.0.1")
    paths = (r"users/([^/]+)/server/(?:tokens|port)", r"users/([^/]+)/servers/([^/]+)/tokens")
    server = HTTPServer(Application([(f"/hub/api/{path}", Hub) for path in paths]))
    server.add_socket(socket)
    network = Network(socket.getsockname()[1])
    relay = await asyncio.start_server(network.forward, "127.0.0.1", 0)
    try:
        yield network, relay.sockets[0].getsockname()[1]
    finally:
        relay.close()
        server.stop()


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The token file of a container."""
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", API_TOKEN)
    monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", str(tmp_path / "hadoop_tokens"))
    launch = Launch([], {}, [], token_path=path("alice", ""), token_refresh_seconds=9, key=KEY)
    (tmp_path / "program").write_bytes(build_payload(launch))
    return tmp_path / "hadoop_tokens"


def refresh(container: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Credentials | None:
    """Return the container's new tokens, or None if it got none."""
    container.unlink(missing_ok=True)
    monkeypatch.setenv("JUPYTERHUB_API_URL", f"http://127.0.0.1:{port}/hub/api")
    code = container_tokens.main(str(container.with_name("program")))
    assert container.exists() == (code == 0)
    return Credentials.from_bytes(container.read_bytes()) if code == 0 else None


async def test_a_listener_sees_no_token(container: Path, monkeypatch: pytest.MonkeyPatch):
    async with network_to(FakeSpawner()) as (network, port):
        credentials = await asyncio.to_thread(refresh, container, port, monkeypatch)
    assert credentials is not None
    assert credentials.tokens == {TOKEN.service: TOKEN}
    assert b"/server/tokens" in network.seen
    assert b"200 OK" in network.seen
    for secret in (API_TOKEN.encode(), TOKEN.password, TOKEN.identifier, KEY, KEY.hex().encode()):
        assert secret not in network.seen
    assert b"HDTS" not in network.seen  # It begins a token file.


async def test_an_earlier_answer_is_not_accepted_again(
    container: Path, monkeypatch: pytest.MonkeyPatch
):
    async with network_to(FakeSpawner()) as (network, port):
        assert await asyncio.to_thread(refresh, container, port, monkeypatch)
        network.replayed = network.answers[0]
        assert await asyncio.to_thread(refresh, container, port, monkeypatch) is None
        network.replayed = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHDTS"
        assert await asyncio.to_thread(refresh, container, port, monkeypatch) is None


def request(port: int, method: str, path: str, header: str, body: bytes = b"") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, f"/hub/api/{path}", body, {"Authorization": header})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("users/alice/server/tokens", f"token {API_TOKEN}"),
        ("users/alice/server/tokens", ""),
        ("users/alice/server/tokens", authorization(bytes(32), new_nonce(), "tokens", b"")),
        ("users/alice/server/tokens", authorization(KEY, new_nonce(), "port", b"")),
        ("users/alice/server/tokens", authorization(b"", new_nonce(), "tokens", b"")),
        ("users/alice/servers/none/tokens", authorization(KEY, new_nonce(), "tokens", b"")),
        ("users/bob/server/tokens", authorization(KEY, new_nonce(), "tokens", b"")),
    ],
)
async def test_only_a_request_with_the_key_of_the_start_gets_tokens(path: str, header: str):
    spawner = FakeSpawner()
    async with network_to(spawner) as (_, port):
        assert await asyncio.to_thread(request, port, "GET", path, header) == 403
    assert spawner.fetched == 0


async def test_a_port_is_taken_only_with_the_key_of_the_start():
    spawner = FakeSpawner()
    body, where = b'{"port": 1234}', "users/alice/server/port"
    own = authorization(KEY, new_nonce(), "port", body)
    async with network_to(spawner) as (_, port):
        for header in (f"token {API_TOKEN}", authorization(bytes(32), new_nonce(), "port", body)):
            assert await asyncio.to_thread(request, port, "POST", where, header, body) == 403
        changed = body.replace(b"1234", b"4321")
        assert await asyncio.to_thread(request, port, "POST", where, own, changed) == 403
        assert spawner.port_report.port == 0
        assert await asyncio.to_thread(request, port, "POST", where, own, body) == 204
        assert await asyncio.to_thread(request, port, "POST", where, own, body) == 409
    assert spawner.port_report.port == 1234


def test_each_start_has_its_own_key_and_a_restarted_hub_the_same():
    assert start_key(COOKIE_SECRET, "yarnhub-spawn-1") == KEY
    assert len(KEY) == 32
    assert start_key(COOKIE_SECRET, "yarnhub-spawn-2") != KEY
    assert start_key(b"another hub", "yarnhub-spawn-1") != KEY
    assert start_key(COOKIE_SECRET, "") == b""


@pytest.mark.parametrize("handler", [TokensHandler, PortHandler])
def test_a_token_in_the_url_of_a_refused_request_is_not_logged(handler: Any):
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", f"/hub/api/x?token={API_TOKEN}", "HTTP/1.1"),
        headers=HTTPHeaders({"Host": "hub.example"}),
        connection=SimpleNamespace(context=None),
    )
    summary = handler._request_summary(SimpleNamespace(request=request))
    assert summary.startswith("GET /hub/api/x ")
    assert API_TOKEN not in summary
