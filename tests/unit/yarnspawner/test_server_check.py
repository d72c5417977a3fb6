"""Who may answer at a server's address: the server itself, also by sending the hub elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from yarnspawner.failures import ServerUnreachableError
from yarnspawner.hub.server_check import verify_server_identity

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
    await verify_server_identity(answering(status, location), CLIENT_ID, 5, {})


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
    with pytest.raises(ServerUnreachableError, match=f"is not this server .it said {status}"):
        await verify_server_identity(answering(status, location), CLIENT_ID, 5, {})


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
    await verify_server_identity(answering(200), CLIENT_ID, 5, {})
    for task in waiting:
        task.cancel()
    silent.close()


async def test_who_is_not_there_is_told_as_such():
    with pytest.raises(ServerUnreachableError, match="does not answer"):
        await verify_server_identity(f"http://127.0.0.1:9{PATH}", CLIENT_ID, 5, {})
