"""The application master's signals: kept until somebody asks for them, or a call is broken off."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from yarnspawner.container.payload import RELEASE_SIGNAL

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (signal.SIGCHLD, RELEASE_SIGNAL, *STOP_SIGNALS)


class StoppedError(Exception):
    """We are to end: a signal came in the middle of a call."""


def hold_signals() -> None:
    """Keep our signals until the main loop asks for them, or a call is made."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in STOP_SIGNALS:
        signal.signal(number, _stop_call)


def _stop_call(number: int, frame: object) -> None:
    raise StoppedError(signal.Signals(number).name)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let a signal to end break off what may take long; raises `StoppedError`."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
