"""Whatever a user's server answers the hub, the hub starts and serves everybody else."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import application
from yarnhub.minihadoop import MiniHadoop

LIAR = Path(__file__).with_name("liar.py")

NOT_A_URL = b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"
LARGE = b"HTTP/1.1 200 OK\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOT_A_VERSION = GOOD[:-2] + b"X-JupyterHub-Version: a version\r\n\r\n"


class Impostor:
    """Answers each request with `answer`; while that is None it takes connections in silence."""

    def __init__(self, port: int = 0) -> None:
        self.answer: bytes | None = None
        self.asked = threading.Event()
        self._socket = socket.create_server(("0.0.0.0", port))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                self.asked.set()
                if self.answer is None:
                    connection.recv(1)  # until the other side gives up
                else:
                    connection.sendall(self.answer)
            except OSError:
                pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._socket.close()


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    server = Impostor()
    yield server
    server.close()


@pytest.fixture
def hub_of(make_hub: Any, impostor: Impostor) -> Callable[[], Hub]:
    """A hub whose servers register the impostor's port."""
    command = [str(LIAR), "127.0.0.1", str(impostor.port)]
    return lambda: make_hub(f"c.YarnSpawner.cmd = {command!r}\nc.Spawner.http_timeout = 10\n")


def is_checked(hub: Hub) -> bool:
    """Whether JupyterHub has ended its check of alice's server: the server is gone, or ready."""
    return all(server["ready"] for server in hub.api("GET", "users/alice")["servers"].values())


@pytest.mark.parametrize(
    "answer",
    [NOT_A_URL, pytest.param(LARGE, marks=pytest.mark.heavy)],
    ids=["Location", "header"],
)
def test_a_hub_that_is_restarted_during_a_start_starts_again(
    hub_of: Callable[[], Hub],
    impostor: Impostor,
    answer: bytes,
    wait_until: Callable[..., Any],
):
    hub = hub_of()
    hub.api("POST", "users/alice")
    hub.api("POST", "users/alice/server")
    assert impostor.asked.wait(240)
    hub.kill()
    impostor.answer = answer
    hub.start()
    assert hub.is_answering()
    wait_until(lambda: is_checked(hub), 60, "alice's server is checked")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(NOT_A_URL, marks=pytest.mark.heavy),
        pytest.param(LARGE, marks=pytest.mark.heavy),
        NOT_A_VERSION,
    ],
    ids=["Location", "header", "version"],
)
def test_a_hub_that_is_restarted_starts_whatever_a_running_server_answers(
    hub_of: Callable[[], Hub],
    impostor: Impostor,
    answer: bytes,
    wait_until: Callable[..., Any],
):
    impostor.answer = GOOD
    hub = hub_of()
    hub.start_server("alice")
    hub.kill()
    impostor.answer = answer
    hub.start()
    assert hub.is_answering()
    wait_until(lambda: is_checked(hub), 60, "alice's server is checked")


def test_a_server_that_a_restarted_hub_can_not_reach_lives_on_and_is_found_again(
    hub_of: Callable[[], Hub],
    impostor: Impostor,
    hadoop: MiniHadoop,
    wait_until: Callable[..., Any],
):
    impostor.answer = GOOD
    hub = hub_of()
    started = hub.start_server("alice")
    hub.kill()
    impostor.close()
    hub.start()
    wait_until(lambda: "is kept, because it runs in YARN" in hub.log(), 60, "the server is kept")
    wait_until(lambda: hub.api("GET", "users/alice")["servers"][""]["ready"], 60, "it is ready")
    assert application(hadoop, started)["state"] == "RUNNING"
    assert hub.get("/user/alice/api").status_code == 503
    again = Impostor(impostor.port)
    again.answer = GOOD
    wait_until(lambda: hub.get("/user/alice/api").is_success, 30, "the way to the server")
    again.close()
