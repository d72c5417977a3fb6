"""The port of a server that has ended answers 503, and no other process can bind it."""

from __future__ import annotations

import errno
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.unit.container.ipv6 import ipv6_socket
from yarnspawner.container.held_port import hold_port
from yarnspawner.container.server import bind


@pytest.fixture
def held() -> Iterator[int]:
    """A port that is held, in a thread, as long as the test takes."""
    with bind("127.0.0.1", None) as sock:
        sock.listen()
        stop = threading.Event()

        def hold() -> None:
            while not stop.is_set():
                hold_port(sock, 0.05)

        thread = threading.Thread(target=hold)
        thread.start()
        yield sock.getsockname()[1]
        stop.set()
        thread.join()


def status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/user/alice/lab", headers={"Cookie": "a" * 20_000})
    return connection.getresponse().status


def test_each_request_gets_503(held: int) -> None:
    assert [status(held) for _ in range(3)] == [503, 503, 503]


def test_a_client_that_sends_nothing_holds_up_no_other_for_long(held: int) -> None:
    with socket.create_connection(("127.0.0.1", held)):
        assert status(held) == 503


def test_no_other_process_can_bind_the_port(held: int) -> None:
    status(held)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use") as raised:
            other.bind(("127.0.0.1", held))
    assert raised.value.errno == errno.EADDRINUSE


def test_no_other_process_can_bind_the_port_over_ipv6(held: int) -> None:
    status(held)
    with pytest.raises(OSError, match="in use"):
        ipv6_socket(held)
