"""Who may answer at a server's address: the server itself, also by sending the hub elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import resource
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from certipy import Certipy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from yarnspawner.failures import ServerUnreachableError, WrongCertificateError
from yarnspawner.hub.server_check import MAX_BODY_BYTES, verify_server_identity
from yarnspawner.jupyterhub_types import HubSettings
from yarnspawner.launch.certificates import container_path, fingerprint

CLIENT_ID = "jupyterhub-user-alice"
PATH = "/user/alice/"

#: As many requests tornado's common client has under way at once.
TORNADOS_CLIENTS = 10


class Answer(RequestHandler):
    def prepare(self) -> None:
        status, location = self.application.settings["answer"]
        self.set_status(status)
        if location:
            self.set_header("Location", location)
        self.finish()


@pytest.fixture
async def answering() -> AsyncIterator[object]:
    """`answering(status, location)`: have a server that answers so; returns its URL."""
    servers = []

    def serve(status: int, location: str = "") -> str:
        (socket,) = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(Application([(".*", Answer)], answer=(status, location)))
        server.add_socket(socket)
        servers.append(server)
        return f"http://127.0.0.1:{socket.getsockname()[1]}{PATH}"

    yield serve
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (200, ""),
        (401, ""),
        (403, ""),
        (302, "/user/alice/api/"),
        (302, "http://hub.example/user/alice/login?next=%2F"),
        (302, f"/hub/api/oauth2/authorize?client_id={CLIENT_ID}&response_type=code"),
    ],
)
async def test_the_server_itself_may_answer(answering, status: int, location: str):
    await verify_server_identity(answering(status, location), CLIENT_ID, 60, {})


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (404, ""),
        (500, ""),
        (302, "/"),
        (302, ""),
        (302, "/user/alice2/"),
        (301, "http://127.0.0.1:8042/node"),
        (302, "/hub/api/oauth2/authorize?client_id=jupyterhub-user-bob"),
    ],
)
async def test_somebody_else_may_not(answering, status: int, location: str):
    with pytest.raises(
        ServerUnreachableError, match=rf"Another server answers at .* \(status {status}\)"
    ):
        await verify_server_identity(answering(status, location), CLIENT_ID, 60, {})


async def test_servers_that_are_silent_hold_up_nobody_elses_start(answering):
    come: asyncio.Queue[None] = asyncio.Queue()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        come.put_nowait(None)
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1")
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}{PATH}"
    waiting = [
        asyncio.create_task(verify_server_identity(url, CLIENT_ID, 1000, {}))
        for _ in range(TORNADOS_CLIENTS)
    ]
    for _ in waiting:
        await come.get()
    await verify_server_identity(answering(200), CLIENT_ID, 60, {})
    for task in waiting:
        task.cancel()
    silent.close()


async def test_a_refused_connection_is_reported_as_such():
    with pytest.raises(ServerUnreachableError, match=r"does not answer at .*: connection refused"):
        await verify_server_identity(f"http://127.0.0.1:9{PATH}", CLIENT_ID, 60, {})


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


OK = "HTTP/1.1 200 OK"
FOUND = "HTTP/1.1 302 Found"

#: What a user's own server may send instead of an answer. None of it is this server's.
HOSTILE_ANSWERS = {
    "a Location that is not a URL": head(FOUND, "Location: http://[", "Content-Length: 0"),
    "a Location with a character that becomes a slash": head(
        FOUND, "Location: http://a\u2100b/", "Content-Length: 0"
    ),
    "a Location with too many fields": head(
        FOUND, "Location: /x?" + "a=1&" * 3000, "Content-Length: 0"
    ),
    "two lengths": head(OK, "Content-Length: 1", "Content-Length: 2") + b"ab",
    "a negative length": head(OK, "Content-Length: -5"),
    "a length that is not a number": head(OK, "Content-Length: abc"),
    "a huge length": head(OK, "Content-Length: 99999999999999"),
    "no status line": head("HELLO"),
    "the banner of another protocol": head("SSH-2.0-OpenSSH_9.2"),
    "a line that is not a header": head(OK, "no colon here"),
    "a chunk without a size": head(OK, "Transfer-Encoding: chunked") + b"zz\r\n",
    "chunks and a length": head(OK, "Transfer-Encoding: chunked", "Content-Length: 5")
    + b"5\r\nabcde\r\n0\r\n\r\n",
    "an unknown transfer encoding": head(OK, "Transfer-Encoding: gzip") + b"abc",
    "a body after 204": head("HTTP/1.1 204 No Content", "Content-Length: 5") + b"abcde",
    "a status out of range": head("HTTP/1.1 999 Odd", "Content-Length: 0"),
    "another protocol from here on": head("HTTP/1.1 101 Switching Protocols"),
    "headers of a megabyte": head(OK, "X: " + "a" * (1 << 20)),
    "a body beyond the limit": head(OK, f"Content-Length: {MAX_BODY_BYTES + 1}")
    + bytes(MAX_BODY_BYTES + 1),
    "interim answers without end": head("HTTP/1.1 100 Continue") * 2000,
    "nothing": b"",
}


@pytest.fixture
async def sending() -> AsyncIterator[Callable[[bytes], Awaitable[str]]]:
    """`await sending(data)`: have a server that sends just that; returns its URL."""
    servers: list[asyncio.Server] = []

    async def serve(data: bytes) -> str:
        async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(data)
                await writer.drain()
            writer.close()

        servers.append(await asyncio.start_server(send, "127.0.0.1"))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}{PATH}"

    yield serve
    for server in servers:
        server.close()


@pytest.mark.parametrize("name", HOSTILE_ANSWERS)
async def test_a_hostile_answer_is_that_servers_failure_alone(sending, name: str):
    url = await sending(HOSTILE_ANSWERS[name])
    with pytest.raises(ServerUnreachableError) as raised:
        await verify_server_identity(url, CLIENT_ID, 60, {})
    assert len(raised.value.sentence) < 1000


async def test_a_packed_answer_is_not_unpacked(sending):
    bomb = gzip.compress(bytes(32 << 20), 9)
    packed = head(OK, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await verify_server_identity(await sending(packed), CLIENT_ID, 60, {})
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 16 << 10


@given(st.binary(max_size=200), st.sampled_from([b"", head(OK)[:-2], head(FOUND)[:-2]]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_answers_raises_nothing_else(data: bytes, start: bytes):
    async def check() -> None:
        async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(start + data)
                await writer.drain()
            writer.close()

        async with await asyncio.start_server(send, "127.0.0.1") as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}"
            with suppress(ServerUnreachableError):
                await verify_server_identity(url, CLIENT_ID, 60, {})

    asyncio.run(check())


class Certificates:
    """Certificates of the hub and of servers, signed by one authority as with `internal_ssl`."""

    def __init__(self, directory: Path) -> None:
        self._authority = Certipy(store_dir=str(directory))
        self._trusted = self._authority.create_ca("authority")["files"]["cert"]
        hub = self._files("hub-internal")
        self.hub_settings: HubSettings = {
            "internal_ssl_key": hub["key"],
            "internal_ssl_cert": hub["cert"],
            "internal_ssl_ca": self._trusted,
        }

    def _files(self, name: str) -> dict[str, str]:
        names = ["DNS:localhost", "IP:127.0.0.1"]
        record = self._authority.create_signed_pair(
            name, "authority", alt_names=names, overwrite=True
        )
        files: dict[str, str] = record["files"]
        return files

    def make(self, name: str) -> tuple[ssl.SSLContext, str]:
        """Make a server's certificate; returns its TLS and the fingerprint that the hub keeps."""
        files = self._files(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files["cert"], files["key"])
        context.load_verify_locations(self._trusted)
        context.verify_mode = ssl.CERT_REQUIRED
        content = Path(files["cert"]).read_bytes()
        return context, fingerprint({container_path("certfile"): content})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("internal-ssl"))


async def check_with(context: ssl.SSLContext, expected: str, settings: HubSettings) -> list[bytes]:
    """Check a server with this TLS; returns the requests that it got."""
    requests = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(head(OK, "Content-Length: 0"))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}{PATH}"
        try:
            await verify_server_identity(url, CLIENT_ID, 60, settings, expected)
        except WrongCertificateError:
            assert not requests
            raise
    return requests


async def test_a_server_with_the_certificate_of_its_start_is_accepted(certificates: Certificates):
    context, expected = certificates.make("user-alice")
    (request,) = await check_with(context, expected, certificates.hub_settings)
    assert request.startswith(b"GET /user/alice/api ")


@pytest.mark.parametrize("other", ["user-bob", "user-alice", "hub-internal"])
async def test_another_certificate_of_the_hub_is_refused_before_anything_is_sent(
    certificates: Certificates, other: str
):
    """Another user's, an earlier start's or another server's of the same user, or the hub's."""
    _, expected = certificates.make("user-alice")
    context, _ = certificates.make(other)
    with pytest.raises(WrongCertificateError, match="with another certificate"):
        await check_with(context, expected, certificates.hub_settings)


async def test_a_certificate_that_the_hub_did_not_sign_is_refused(
    certificates: Certificates, tmp_path: Path
):
    context, expected = Certificates(tmp_path).make("user-alice")
    with pytest.raises(ServerUnreachableError, match="certificate verify failed"):
        await check_with(context, expected, certificates.hub_settings)
