"""A call of the hub for tests: a kill is completed if the application's number is even."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.yarn.records import ApplicationId
from hadoop_client.yarn.resourcemanager import (
    FORCE_KILL_APPLICATION,
    KillApplicationRequest,
    KillApplicationResponse,
)
from tests.unit.hadoop_client.rpc_server import Call

#: Makes a client of some addresses, which is closed when the test ends.
Connect = Callable[..., AsyncClient]


def kill(client: AsyncClient, number: int = 2) -> Awaitable[KillApplicationResponse]:
    return client.call(FORCE_KILL_APPLICATION, KillApplicationRequest(ApplicationId(number, 1)))


def answer(call: Call) -> None:
    """Report kills of an even number as completed."""
    call.answer(KillApplicationResponse(number_of(call) % 2 == 0))


def number_of(call: Call) -> int:
    return KillApplicationRequest.decode(call.body).application_id.id


class LoopClock:
    """An event loop's clock that a test can advance."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead
