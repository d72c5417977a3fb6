"""Handlers of calls for a test's server."""

from __future__ import annotations

import asyncio
import threading

from tests.unit.hadoop_client.rpc_server import STANDBY, Call, Handler


def standby(call: Call) -> None:
    call.refuse(STANDBY, "Operation category READ is not supported in state standby")


def silence(call: Call) -> None:
    pass


class Once:
    """Passes the first call to `first` and later ones to `then`. Counts them."""

    def __init__(self, first: Handler, then: Handler) -> None:
        self.first, self.then = first, then
        self.calls = 0

    def __call__(self, call: Call) -> None:
        self.calls += 1
        (self.first if self.calls == 1 else self.then)(call)


class Holder:
    """Holds calls without answering, and lets a test wait for their arrival."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._arrival = threading.Condition()

    def __call__(self, call: Call) -> None:
        with self._arrival:
            self.calls.append(call)
            self._arrival.notify_all()

    async def arrived(self, count: int = 1) -> list[Call]:
        def wait() -> bool:
            with self._arrival:
                return self._arrival.wait_for(lambda: len(self.calls) >= count, 60)

        assert await asyncio.to_thread(wait), f"{len(self.calls)} of {count} calls have arrived"
        return self.calls
