"""A node's answer about a container: YARN's, or that of any program at the node's port."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from yarnspawner.launcher import direct
from yarnspawner.launcher.direct import container_phase
from yarnspawner.launcher.interface import Phase


@pytest.fixture
async def address_of() -> AsyncIterator[Callable[..., object]]:
    """`await address_of(answer)`: start a server that sends these bytes; return its address."""
    servers: list[asyncio.Server] = []

    async def serve(answer: bytes) -> str:
        async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                await writer.drain()
                writer.close()

        servers.append(await asyncio.start_server(respond, "127.0.0.1", 0))
        host, port = servers[-1].sockets[0].getsockname()
        return f"{host}:{port}"

    yield serve
    for server in servers:
        server.close()


def http(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


@pytest.mark.parametrize(
    ("state", "phase"),
    [(b"RUNNING", Phase.RUNNING), (b"LOCALIZING", Phase.LOCALIZING), (b"DONE", Phase.UNKNOWN)],
)
async def test_a_nodes_answer_gives_the_phase(
    state: bytes, phase: Phase, address_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "NODE_TIMEOUT_SECONDS", 60.0)
    address = await address_of(http(b'{"container": {"state": "%s"}}' % state))
    assert await container_phase(address, "container_1") is phase


RUNNING = b'{"container": {"state": "RUNNING"}}'


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0",
        http(b"[" * 60_000),
        http(b"[]"),
        http(b"null"),
        http(b'{"container": {"state": [1]}}'),
        http(RUNNING.ljust(1 << 20)),
        http(gzip.compress(RUNNING.ljust(64 << 20)), b"Content-Encoding: gzip"),
        http(RUNNING, b"X: " + b"a" * (1 << 20)),
        http(RUNNING, b"Content-Length: a"),
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
    ],
    ids=lambda answer: repr(answer[-12:]),
)
async def test_any_other_answer_is_an_unknown_phase(answer: bytes, address_of) -> None:
    address = await address_of(answer)
    assert await container_phase(address, "container_1") is Phase.UNKNOWN


async def test_a_redirect_to_a_phase_is_an_unknown_phase(address_of) -> None:
    elsewhere = await address_of(http(RUNNING))
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://%s/\r\nContent-Length: 0\r\n\r\n"
    address = await address_of(moved % elsewhere.encode())
    assert await container_phase(address, "container_1") is Phase.UNKNOWN
