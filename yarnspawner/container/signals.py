"""The application master's signals: blocked until the main loop or a call takes them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from yarnspawner.container.payload import RELEASE_SIGNAL

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (signal.SIGCHLD, RELEASE_SIGNAL, *STOP_SIGNALS)


class StoppedError(Exception):
    """A signal asked us to end during a call. The message is its name."""


def hold_signals() -> None:
    """Block our signals until the main loop waits for them, or a call is made."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in STOP_SIGNALS:
        signal.signal(number, _stop_call)


def _stop_call(number: int, frame: object) -> None:
    raise StoppedError(signal.Signals(number).name)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let a stop signal interrupt the block, which may take long; raises `StoppedError`."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
