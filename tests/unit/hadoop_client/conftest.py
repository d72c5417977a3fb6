"""Clients that are closed after their test, and their clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import Login
from hadoop_client.yarn.resourcemanager import APPLICATION_CLIENT_PROTOCOL
from tests.unit.hadoop_client.hub_calls import Connect, LoopClock

ALICE = Login("alice", "hub")


@pytest.fixture
async def connect_async() -> AsyncIterator[Connect]:
    """Make clients that are closed after the test. No task may be left then."""
    clients: list[AsyncClient] = []
    before = asyncio.all_tasks()

    def make(
        *addresses: tuple[str, int], login: Login = ALICE, timeout: float = 60.0
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
