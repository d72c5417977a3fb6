"""One client per login: shared, kept for the next call, limited in number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import CallTimeoutError, ConnectError, Login
from hadoop_client.rpc.pool import ClientPool
from hadoop_client.yarn.resourcemanager import APPLICATION_CLIENT_PROTOCOL
from tests.unit.hadoop_client.handlers import Holder
from tests.unit.hadoop_client.hub_calls import answer, kill
from tests.unit.hadoop_client.rpc_server import RpcServer

ALICE, BOB, CAROL = (Login(name, "hub") for name in ("alice", "bob", "carol"))

Pool = Callable[..., ClientPool]


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """Make pools of one server's clients that are closed when the test ends."""
    pools: list[ClientPool] = []

    def make(server: RpcServer, **options: float) -> ClientPool:
        hub = AsyncClient([server.address], APPLICATION_CLIENT_PROTOCOL, Login("hub"))
        pools.append(ClientPool(hub.for_login, **options))  # type: ignore[arg-type]
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def kill_as(clients: ClientPool, login: Login) -> None:
    async with clients.client(login) as client:
        assert (await kill(client)).is_kill_completed


def users(server: RpcServer) -> list[str | None]:
    """The users of the connections, in the order in which they were made."""
    return [side.context.user.effective_user for side in server.sides]


async def test_calls_of_one_login_share_a_connection_now_and_later(
    pool: Pool,
) -> None:
    with RpcServer(answer) as server:
        clients = pool(server)
        await asyncio.gather(*(kill_as(clients, ALICE) for _ in range(100)))
        await kill_as(clients, ALICE)
        assert users(server) == ["alice"]


async def test_each_login_has_its_own_connection(pool: Pool) -> None:
    with RpcServer(answer) as server:
        clients = pool(server)
        await asyncio.gather(*(kill_as(clients, login) for login in (ALICE, BOB, CAROL)))
        assert sorted(map(str, users(server))) == ["alice", "bob", "carol"]


async def test_the_one_that_was_used_longest_ago_makes_place_for_another(pool: Pool) -> None:
    with RpcServer(answer) as server:
        clients = pool(server, limit=2)
        for login in (ALICE, BOB, ALICE, CAROL, ALICE, BOB):
            await kill_as(clients, login)
        assert users(server) == ["alice", "bob", "carol", "bob"]


async def test_if_all_places_are_in_use_the_next_login_waits(pool: Pool) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        clients = pool(server, limit=2)
        logins = [Login(f"user{number}", "hub") for number in range(10)]
        calls = asyncio.gather(*(kill_as(clients, login) for login in logins))
        for done in range(10):
            held = await holder.arrived(done + 1)
            assert len(held) <= done + 2
            answer(held[done])
        await calls
        assert len(set(users(server))) == 10


async def test_two_calls_of_one_login_take_one_place(pool: Pool) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        clients = pool(server, limit=1)
        calls = asyncio.gather(*(kill_as(clients, who) for who in (ALICE, BOB, BOB)))
        for done in range(3):
            answer((await holder.arrived(done + 1))[done])
        await calls
        assert users(server) == ["alice", "bob"]


async def test_a_login_that_gets_no_place_in_time_fails(pool: Pool) -> None:
    with RpcServer(answer) as server:
        clients = pool(server, limit=1, timeout=0.05)
        async with clients.client(ALICE):
            with pytest.raises(CallTimeoutError, match="all 1 connections were in use"):
                await kill_as(clients, BOB)
        await kill_as(clients, BOB)


async def test_a_call_cancelled_while_waiting_takes_no_place(pool: Pool) -> None:
    with RpcServer(answer) as server:
        clients = pool(server, limit=1)
        async with clients.client(ALICE):
            waiting = asyncio.create_task(kill_as(clients, BOB))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await kill_as(clients, CAROL)


async def test_an_idle_connection_is_closed_after_a_while(pool: Pool) -> None:
    with RpcServer(answer) as server:
        clients = pool(server, idle_seconds=0.05)
        for login in (ALICE, BOB):
            await kill_as(clients, login)
        await asyncio.to_thread(server.wait_for_ends)
        await kill_as(clients, ALICE)
        assert users(server) == ["alice", "bob", "alice"]


async def test_a_connection_in_use_is_never_closed_as_idle(pool: Pool) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        clients = pool(server, idle_seconds=0.0)
        call = asyncio.create_task(kill_as(clients, ALICE))
        held = await holder.arrived()
        other = asyncio.create_task(kill_as(clients, BOB))
        answer((await holder.arrived(2))[1])
        await other
        answer(held[0])
        await call


async def test_closing_ends_all_of_them(pool: Pool) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        clients = pool(server)
        call = asyncio.create_task(kill_as(clients, ALICE))
        await holder.arrived()
        await clients.close()
        with pytest.raises(ConnectError, match="closed"):
            await call
        await asyncio.to_thread(server.wait_for_ends)
