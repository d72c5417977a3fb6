"""The end of a server's output: bounded, and whatever a node answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from yarnspawner.endings import End
from yarnspawner.hub import server_log
from yarnspawner.hub.server_log import _ended, container_log
from yarnspawner.launcher.interface import Container
from yarnspawner.node_logs import STREAMS, stream_path

HEAD = "Container: c\nLogAggregationType: LOCAL\nLogType:stdout\nLogContents:\n"


class Node(web.RequestHandler):
    """A node whose answer is long, and begins with what YARN adds."""

    def get(self, stream: str) -> None:
        assert self.get_argument("size") == str(-server_log.LAST_BYTES)
        assert self.get_argument("user.name") == "hub"
        if stream == "stderr":
            raise web.HTTPError(403)
        self.write(HEAD + "x" * 500_000 + "\x1b[31mlast\nEnd of LogType:stdout\n***\n")


class Service(web.RequestHandler):
    """A service that only the hub's machine reaches."""

    requests = 0

    def get(self) -> None:
        Service.requests += 1
        self.write(HEAD + "a secret of the service")


class Redirect(web.RequestHandler):
    """Another program at a node's port."""

    def get(self, _: str) -> None:
        self.write("the body of a redirect")
        self.redirect("/service", status=307)


@pytest.fixture
async def node() -> AsyncIterator[Container]:
    socket, port = bind_unused_port()
    logs = "/ws/v1/node/containers/{}/logs/(\\w+)"
    pages = [(logs.format("c"), Node), (logs.format("moved"), Redirect), ("/service", Service)]
    server = HTTPServer(web.Application(pages))
    server.add_sockets([socket])
    yield Container("node1", node_http=f"127.0.0.1:{port}", container_id="c")
    server.stop()


async def test_the_end_of_each_stream_is_text_that_acts_on_no_terminal(node: Container):
    text = await container_log(node, "hub")
    out, err = text.split("==> stderr")
    assert out.startswith("==> stdout of c on node1\nxxx")
    assert out.rstrip().endswith(r"\x1b[31mlast")
    assert len(out) < server_log.LAST_BYTES + 200
    assert err == ": node node1 did not return it (HTTP 403: Forbidden).\n"


async def test_a_nodes_redirect_is_not_followed(node: Container):
    text = await container_log(replace(node, container_id="moved"), "hub")
    reason = "HTTP 307: a redirect, which the hub does not follow"
    assert text == "\n".join(
        f"==> {stream}: node node1 did not return it ({reason}).\n" for stream in STREAMS
    )
    assert Service.requests == 0


async def test_a_node_that_does_not_answer_is_named():
    socket, port = bind_unused_port()
    socket.close()
    gone = Container("node1", node_http=f"127.0.0.1:{port}", container_id="c")
    assert "node node1 did not return it" in await container_log(gone, "hub")


def test_of_a_server_that_has_ended_the_reason_and_the_last_lines_are_shown():
    end = End("exited", "It ended.", "first\nlast", 1_700_000_000_000, "application_1_0001")
    text = _ended(SimpleNamespace(state={"last_end": end.to_state()}), "alice")
    assert text.startswith("2023-11-14 22:13 UTC: It ended.\n\n==> last output\nfirst\nlast\n")
    assert "yarn logs -applicationId application_1_0001 -appOwner alice" in text
    assert "knows of no end" in _ended(SimpleNamespace(state=None), "alice")


def test_the_path_of_a_stream_asks_for_its_end():
    assert stream_path("c", "stderr") == "ws/v1/node/containers/c/logs/stderr"
    assert stream_path("c", "stdout", 10, "a b").endswith("/stdout?size=-10&user.name=a+b")
