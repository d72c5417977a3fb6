"""A server asks its hub when YARN ends it, and to extend that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from yarnspawner.lab.lifetime import HubLifetime, NotExtendedError, lifetime_url

TOKEN = "the server's own"


class Hub:
    """A hub's API: `requests` has the method, path and token of each."""

    def __init__(self) -> None:
        self.status = 200
        self.location = ""
        self.answer: object = {"ends_ms": 2_000, "latest_ms": 3_500}
        self.requests: list[tuple[str | None, str, str]] = []
        #: A GET that is `held` gets its answer, which is older, when it is released.
        self.held: asyncio.Event | None = None
        self.asked = asyncio.Event()
        hub = self

        class Endpoint(RequestHandler):
            def _reply(self) -> None:
                token = self.request.headers["Authorization"]
                hub.requests.append((self.request.method, self.request.path, token))
                self.set_status(hub.status)
                if hub.location:
                    self.set_header("Location", hub.location)
                self.finish(hub.answer)  # type: ignore[arg-type]

            async def get(self) -> None:
                if hub.held is not None:
                    hub.asked.set()
                    await hub.held.wait()
                    hub.answer = {"ends_ms": 1_000, "latest_ms": 3_500}
                self._reply()

            post = _reply

        (socket,) = bind_sockets(0, "127.0.0.1")
        self.server = HTTPServer(Application([(".*", Endpoint)]))
        self.server.add_socket(socket)
        self.environment = {
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{socket.getsockname()[1]}/hub/api",
            "JUPYTERHUB_API_TOKEN": TOKEN,
            "JUPYTERHUB_USER": "alice",
            "JUPYTERHUB_SERVER_NAME": "",
        }


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    yield hub
    hub.server.stop()


async def refreshed(lifetime: HubLifetime) -> None:
    lifetime.refresh()
    if lifetime._refreshing is not None:
        await lifetime._refreshing


async def test_the_hub_is_asked_once_in_a_while(hub: Hub) -> None:
    lifetime = HubLifetime(1.0, hub.environment)
    await refreshed(lifetime)
    await refreshed(lifetime)
    assert (lifetime.ends, lifetime.latest) == (2.0, 3.5)
    assert hub.requests == [("GET", "/hub/api/users/alice/server/lifetime", f"token {TOKEN}")]


async def test_a_redirect_does_not_get_the_servers_token(hub: Hub) -> None:
    hub.status, hub.location = 307, "/elsewhere"
    with pytest.raises(NotExtendedError):
        await HubLifetime(1.0, hub.environment).extend()
    assert [path for _, path, _ in hub.requests] == ["/hub/api/users/alice/server/lifetime"]


async def test_an_extension_is_the_hubs(hub: Hub) -> None:
    lifetime = HubLifetime(1.0, hub.environment)
    await lifetime.extend()
    assert (lifetime.ends, lifetime.latest) == (2.0, 3.5)
    assert [method for method, _, _ in hub.requests] == ["POST"]


async def test_an_answer_to_an_earlier_request_does_not_replace_an_extension(hub: Hub) -> None:
    hub.held = asyncio.Event()
    lifetime = HubLifetime(1.0, hub.environment)
    lifetime.refresh()
    refreshing = lifetime._refreshing
    assert refreshing is not None
    await hub.asked.wait()
    await lifetime.extend()
    hub.held.set()
    await asyncio.wait([refreshing])
    assert lifetime.ends == 2.0


async def test_the_hub_is_not_asked_for_what_it_has_just_answered(hub: Hub) -> None:
    lifetime = HubLifetime(1.0, hub.environment)
    await lifetime.extend()
    await refreshed(lifetime)
    assert [method for method, _, _ in hub.requests] == ["POST"]


async def test_the_sentence_of_a_refusal_is_the_hubs_and_changes_nothing(hub: Hub) -> None:
    hub.status, hub.answer = 409, {"status": 409, "message": "Users may not extend it here."}
    lifetime = HubLifetime(1.0, hub.environment)
    with pytest.raises(NotExtendedError, match=r"^Users may not extend it here\.$"):
        await lifetime.extend()
    await refreshed(lifetime)
    assert (lifetime.ends, lifetime.latest) == (1.0, None)


@pytest.mark.parametrize("answer", ["<html>", '"text"', "{}", '{"ends_ms": "x", "latest_ms": 1}'])
async def test_an_odd_answer_is_no_answer(hub: Hub, answer: str) -> None:
    hub.answer = answer
    lifetime = HubLifetime(1.0, hub.environment)
    with pytest.raises(NotExtendedError, match="The hub did not answer as expected"):
        await lifetime.extend()
    assert lifetime.ends == 1.0


async def test_a_hub_that_is_away_does_not_answer(hub: Hub) -> None:
    hub.server.stop()
    lifetime = HubLifetime(1.0, hub.environment)
    with pytest.raises(NotExtendedError, match="The hub did not answer as expected"):
        await lifetime.extend()
    await refreshed(lifetime)
    assert lifetime.ends == 1.0


async def test_without_a_hub_nothing_is_asked() -> None:
    before = asyncio.all_tasks()
    HubLifetime(1.0, {}).refresh()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("user", "server", "path"),
    [
        ("alice", "", "users/alice/server/lifetime"),
        ("a/b@c", "second one", "users/a%2Fb%40c/servers/second%20one/lifetime"),
    ],
)
def test_names_are_escaped_in_the_address(user: str, server: str, path: str) -> None:
    variables: dict[str, Any] = {
        "JUPYTERHUB_API_URL": "http://hub/hub/api",
        "JUPYTERHUB_USER": user,
        "JUPYTERHUB_SERVER_NAME": server,
    }
    assert lifetime_url(variables) == f"http://hub/hub/api/{path}"
