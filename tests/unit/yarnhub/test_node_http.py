"""What a daemon's port answers, or any other program at that port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError

import pytest

from yarnhub.minihadoop.rest import get_json
from yarnhub.node_http import open_url, read_answer

BODIES = {"/small": b'{"a": 1}', "/deep": b"[" * 100_000, "/large": b" " * (2 << 20)}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, _, target = self.path.removeprefix("/to/").partition("?")
        self.send_response(int(status) if target else 200)
        if target:
            self.send_header("Location", target)
        self.end_headers()
        self.wfile.write(BODIES.get(self.path, b""))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_answer_over_the_limit_is_refused(url: str) -> None:
    with open_url(f"{url}/small", 60) as response:
        assert read_answer(response, 8) == BODIES["/small"]
    too_large = pytest.raises(OSError, match="the answer has more than 1 MiB")
    with open_url(f"{url}/large", 60) as response, too_large:
        read_answer(response, 1 << 20)


def test_json_that_nests_too_deeply_is_no_answer(url: str) -> None:
    assert get_json(f"{url}/small", 60) == {"a": 1}
    assert get_json(f"{url}/deep", 60) == {}


@pytest.mark.parametrize("target", ["/small", "http://[", "file:///etc/passwd"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_not_followed(url: str, status: int, target: str) -> None:
    with pytest.raises(HTTPError, match="a redirect, which is not followed") as raised:
        open_url(f"{url}/to/{status}?{target}", 60)
    assert raised.value.code == status
    raised.value.close()
    assert get_json(f"{url}/to/{status}?{target}", 60) == {}
