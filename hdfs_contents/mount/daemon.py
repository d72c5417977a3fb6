"""The threads that read requests from the kernel and send answers.

There is always a thread that waits for a request, so that one that hangs in HDFS holds up no other.
If the user gives up a request (Ctrl-C, kill), the kernel says so, and the request is answered with
EINTR at once; what its thread gets from HDFS later is undone.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from hdfs_contents.mount import messages, protocol
from hdfs_contents.mount.errors import to_errno
from hdfs_contents.mount.messages import Request
from hdfs_contents.mount.operations import Answer
from hdfs_contents.mount.state import SLOTS, Slots

log = logging.getLogger(__name__)

#: What can be given up while it runs: it changes nothing, or what is undone.
_CAN_BE_GIVEN_UP = (
    messages.Lookup,
    messages.GetAttr,
    messages.Open,
    messages.Read,
    messages.OpenDir,
    messages.ReadDir,
    messages.StatFs,
    messages.Access,
)

#: What may be done again at any time.
_CAN_BE_REPEATED = (
    messages.Lookup,
    messages.GetAttr,
    messages.Read,
    messages.OpenDir,
    messages.ReadDir,
    messages.StatFs,
    messages.Access,
    messages.Flush,
    messages.FSync,
    messages.Release,
    messages.ReleaseDir,
    messages.ReadLink,
    messages.SetXAttr,
    messages.Init,
)

#: What may be done again if it was not answered: no program has built on it.
_CAN_BE_COMPLETED = (messages.Open, messages.SetAttr, messages.Write)

#: How often names are forgotten.
_TIDY_SECONDS = 5.0

#: How many threads wait for requests. More than these end once they have answered one.
_WAITING_THREADS = 4

_NO_ANSWER = (messages.Forget, messages.Interrupt)


class DeviceServer:
    """Serves a device until the mount goes away."""

    def __init__(
        self,
        device: int,
        slots: Slots,
        answer: Callable[[messages.Request], Answer],
        too_many_names: Callable[[], Iterable[tuple[int, str]]],
    ) -> None:
        """`too_many_names` returns names to be forgotten, with their directories' node ids."""
        self._device = device
        self._slots = slots
        self._answer = answer
        self._too_many_names = too_many_names
        self._lock = threading.Lock()
        self._free_slots = list(reversed(range(SLOTS)))
        self._waiting = 0
        self._running: dict[int, Request] = {}
        self._unmounted = threading.Event()

    def serve(self) -> None:
        """Serve until the mount goes away."""
        os.set_blocking(self._device, True)
        self._finish_unanswered()
        self._start_thread()
        while not self._unmounted.wait(_TIDY_SECONDS):
            self._forget_names()

    def _forget_names(self) -> None:
        """Let the kernel forget names, so that they do not fill this process's memory."""
        # Not in a thread that answers: the kernel may wait for one before it takes this.
        for parent, name in self._too_many_names():
            self._notify(protocol.forget_name(parent, name))

    def _notify(self, message: bytes) -> None:
        with suppress(OSError):  # in use, or forgotten already
            os.write(self._device, message)

    def _finish_unanswered(self) -> None:
        """Answer what a daemon that was killed has left, each in a thread: HDFS may hang."""
        unanswered = list(self._slots.unanswered())
        # All of them before the first thread starts, which reads other requests into free slots.
        self._free_slots = [number for number in self._free_slots if number not in unanswered]
        for number in unanswered:
            threading.Thread(target=self._finish, args=(number,), name="fuse", daemon=True).start()

    def _finish(self, number: int) -> None:
        """Answer the request in a slot, and go on with others."""
        request = protocol.decode(self._slots[number])
        is_done = self._slots.is_done(number)
        if is_done and isinstance(request.body, messages.Write):
            self._send(request.unique, 0, protocol.encode_written(len(request.body.data)))
        elif _may_repeat(request.body, is_done=is_done):
            self._process(request, number)
        elif not isinstance(request.body, _NO_ANSWER):
            # If it was answered, the kernel ignores this one.
            self._send(request.unique, errno.EIO)
        self._slots.clear(number)
        with self._lock:
            self._waiting += 1
        self._run(number)

    def _start_thread(self) -> None:
        """Start a thread that waits for a request, if there is a slot for it."""
        with self._lock:
            if not self._free_slots:
                return
            number = self._free_slots.pop()
            self._waiting += 1
        threading.Thread(target=self._run, args=(number,), name="fuse", daemon=True).start()

    def _run(self, number: int) -> None:
        """Read requests into a slot and answer them."""
        slot = self._slots[number]
        self._slots.take_memory(number)
        while self._read(slot):
            with self._lock:
                self._waiting -= 1
                none_waits = not self._waiting
            if none_waits:
                self._start_thread()
            self._process(protocol.decode(slot), number)
            self._slots.clear(number)
            if not self._waits_again(number):
                return
        self._unmounted.set()

    def _waits_again(self, number: int) -> bool:
        """Return whether the thread of a slot waits for another request; else the slot is free."""
        with self._lock:
            if self._waiting < _WAITING_THREADS:
                self._waiting += 1
                return True
        self._slots.free_memory(number)
        with self._lock:
            self._free_slots.append(number)
        return False

    def _read(self, slot: memoryview) -> bool:
        """Read a request; return False if the mount is gone."""
        while True:
            try:
                return os.readv(self._device, [slot]) > 0
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return False
                # A request was taken back while it was being read, or a signal came.
                if error.errno not in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    raise

    def _process(self, request: Request, number: int) -> None:
        body = request.body
        if isinstance(body, messages.Interrupt):
            self._give_up(body.unique, request.unique)
            return
        if isinstance(body, messages.Init):
            self._send(request.unique, 0, protocol.encode_init(body))
            return
        with self._lock:
            self._running[request.unique] = request
        answer, code = Answer(), 0
        try:
            answer = self._answer(request)
        except Exception as error:  # noqa: BLE001 (the program gets an errno)
            code = to_errno(error)
        if not code:
            self._slots.set_done(number)
        with self._lock:
            was_given_up = self._running.pop(request.unique, None) is None
        if isinstance(body, _NO_ANSWER) or was_given_up:
            taken = False
        else:
            if answer.stale is not None:
                self._notify(protocol.forget_attributes(answer.stale))
            taken = self._send(request.unique, code, answer.payload, *answer.content)
        if not taken and answer.undo is not None:
            with suppress(OSError):
                answer.undo()

    def _give_up(self, unique: int, interrupt: int) -> None:
        """Give up a request, as the one with the number `interrupt` asks."""
        with self._lock:
            request = self._running.get(unique)
            is_given_up = request is not None and _may_give_up(request.body)
            if is_given_up:
                del self._running[unique]
        if is_given_up:
            self._send(unique, errno.EINTR)
        elif request is None:
            # Another thread is about to begin it, or has just answered it. The kernel asks again if
            # it has no answer yet.
            self._send(interrupt, errno.EAGAIN)

    def _send(self, unique: int, code: int, *payload: bytes | memoryview) -> bool:
        """Send an answer; return whether the kernel has taken it."""
        header = protocol.answer(unique, code, sum(map(len, payload)))
        try:
            os.writev(self._device, [header, *payload])
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                log.warning("The kernel refused an answer: %s", error.strerror)
            return False
        return True


def _may_give_up(body: messages.Body) -> bool:
    """Return whether a request can be given up while it runs. A file that was emptied cannot be
    filled again."""
    empties = isinstance(body, messages.Open) and body.flags & os.O_TRUNC
    return isinstance(body, _CAN_BE_GIVEN_UP) and not empties


def _may_repeat(body: messages.Body, *, is_done: bool) -> bool:
    """Return whether a request that a killed daemon has left is done again."""
    if isinstance(body, messages.Write) and body.flags & os.O_APPEND:
        return False
    return isinstance(body, _CAN_BE_REPEATED) or (
        isinstance(body, _CAN_BE_COMPLETED) and not is_done
    )
