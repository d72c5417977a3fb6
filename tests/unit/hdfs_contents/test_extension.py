"""The extension of jupyter_server."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, HTTPError, RequestHandler

from hdfs_contents import extension


class Answers(RequestHandler):
    def get(self, status: str) -> None:
        raise HTTPError(int(status))


@pytest.mark.parametrize(("status", "retry_after"), [(503, "10"), (500, None), (409, None)])
async def test_only_a_503_has_a_retry_after_header(status: int, retry_after: str | None) -> None:
    application = Application([(r"/(\d+)", Answers)])
    later = SimpleNamespace(add_callback=lambda function: None)
    extension._load_jupyter_server_extension(SimpleNamespace(web_app=application, io_loop=later))
    socket, port = bind_unused_port()
    server = HTTPServer(application)
    server.add_socket(socket)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/{status}")
    finally:
        server.stop()
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)


def test_loaded_objects_are_frozen() -> None:
    calls: list[Callable[[], None]] = []
    server = SimpleNamespace(
        web_app=Application(), io_loop=SimpleNamespace(add_callback=calls.append)
    )
    extension._load_jupyter_server_extension(server)
    frozen = gc.get_freeze_count()
    try:
        for call in calls:
            call()
        assert gc.get_freeze_count() > frozen + 10_000
    finally:
        gc.unfreeze()
