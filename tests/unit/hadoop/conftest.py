"""Clients that end with their test, and the clock that they go by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.hadoop.hub_calls import Connect, LoopClock
from yarnspawner.hadoop.aio import AsyncClient
from yarnspawner.hadoop.resourcemanager import APPLICATION_CLIENT_PROTOCOL
from yarnspawner.hadoop.rpc import Login

ALICE = Login("alice", "hub")


@pytest.fixture
async def connect_async() -> AsyncIterator[Connect]:
    """Make clients that are closed when the test ends, and have left no task behind then."""
    clients: list[AsyncClient] = []
    before = asyncio.all_tasks()

    def make(
        *addresses: tuple[str, int], login: Login = ALICE, timeout: float = 20.0
    ) -> AsyncClient:
        client = AsyncClient(addresses, APPLICATION_CLIENT_PROTOCOL, login, timeout)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()
    assert asyncio.all_tasks() - {asyncio.current_task()} <= before


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> LoopClock:
    """The clock of the test's event loop."""
    clock = LoopClock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    return clock
