"""How the daemon gives up requests. One end of a socket stands in for the kernel's device."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hdfs_contents.mount import messages
from hdfs_contents.mount.daemon import DeviceServer
from hdfs_contents.mount.operations import Answer
from hdfs_contents.mount.state import Slots

GETATTR, OPEN, WRITE, INTERRUPT = 3, 14, 16, 36
WRITE_BODY = struct.pack("<QQIIQII", 1, 0, 0, 0, 0, 0, 0)


def encoded(opcode: int, unique: int, body: bytes) -> bytes:
    """A request."""
    header = struct.pack("<IIQQIIIHH", 40 + len(body), opcode, unique, 1, 0, 0, 0, 0, 0)
    return header + body


class Kernel:
    """Sends requests, whose operations wait for `go_on`."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        end.settimeout(60)
        self.began, self.go_on = threading.Semaphore(0), threading.Event()

    def ask(self, opcode: int, unique: int, body: bytes) -> None:
        self._end.send(encoded(opcode, unique, body))

    def interrupt(self, unique: int) -> None:
        self.ask(INTERRUPT, unique | 1, struct.pack("<Q", unique))

    def answer(self) -> tuple[int, int]:
        """Return the next answer: to which request, and its error."""
        _, error, unique = struct.unpack_from("<IiQ", self._end.recv(1024))
        return unique, -error

    def work(self, request: messages.Request) -> Answer:
        self.began.release()
        assert self.go_on.wait(60)
        return Answer()


@pytest.fixture
def slots() -> Iterator[Slots]:
    state = os.memfd_create("state")
    yield Slots(state)
    os.close(state)


@contextmanager
def served(slots: Slots) -> Iterator[Kernel]:
    """A kernel whose requests are answered, after those in the slots."""
    device, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kernel = Kernel(end)
    server = DeviceServer(device.fileno(), slots, kernel.work, lambda: ())
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield kernel
    finally:
        kernel.go_on.set()
        end.close()
        thread.join(60)
        for reader in threading.enumerate():
            if reader.name == "fuse":  # it would read from what gets the device's number
                reader.join(60)
        device.close()


@pytest.fixture
def kernel(slots: Slots) -> Iterator[Kernel]:
    with served(slots) as kernel:
        yield kernel


def test_a_request_that_changes_nothing_is_given_up_at_once(kernel: Kernel) -> None:
    kernel.ask(GETATTR, 2, bytes(16))
    assert kernel.began.acquire(timeout=60)
    kernel.interrupt(2)
    assert kernel.answer() == (2, errno.EINTR)


@pytest.mark.parametrize(
    ("opcode", "body"),
    [(WRITE, WRITE_BODY), (OPEN, struct.pack("<II", os.O_WRONLY | os.O_TRUNC, 0))],
)
def test_a_request_that_changes_something_is_finished(
    kernel: Kernel, opcode: int, body: bytes
) -> None:
    kernel.ask(opcode, 2, body)
    assert kernel.began.acquire(timeout=60)
    kernel.interrupt(2)
    kernel.interrupt(4)
    assert kernel.answer() == (5, errno.EAGAIN)
    kernel.go_on.set()
    assert kernel.answer() == (2, 0)


def test_an_interrupt_that_comes_before_its_request_is_asked_for_again(kernel: Kernel) -> None:
    kernel.interrupt(2)
    assert kernel.answer() == (3, errno.EAGAIN)
    kernel.ask(GETATTR, 2, bytes(16))
    assert kernel.began.acquire(timeout=60)
    kernel.interrupt(2)
    assert kernel.answer() == (2, errno.EINTR)


def test_what_a_killed_daemon_has_left_is_answered_with_what_comes_meanwhile(slots: Slots) -> None:
    left = range(100, 160)
    for number, unique in enumerate(left):
        request = encoded(GETATTR, unique, bytes(16))
        slots[number][: len(request)] = request
    come = range(200, 240)
    with served(slots) as kernel:
        kernel.go_on.set()
        for unique in come:
            kernel.ask(GETATTR, unique, bytes(16))
        answers = [kernel.answer() for _ in (*left, *come)]
    assert sorted(answers) == [(unique, 0) for unique in (*left, *come)]
