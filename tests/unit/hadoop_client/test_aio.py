"""AsyncClient: concurrent calls on one connection, each with its own result."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import CallTimeoutError, ConnectError, Login, LoginError
from hadoop_client.security.credentials import Token
from hadoop_client.security.sasl import MechanismFactory, SaslError
from hadoop_client.wire import WireError
from tests.unit.hadoop_client.handlers import Holder
from tests.unit.hadoop_client.hub_calls import Connect, LoopClock, answer, kill, number_of
from tests.unit.hadoop_client.rpc_server import Call, RpcServer, silent_address

TOKEN = Token(b"identifier", b"password", "RM_DELEGATION_TOKEN", "")


async def test_concurrent_calls_share_one_connection_and_get_their_own_answers(
    connect_async: Connect,
) -> None:
    with RpcServer(answer) as server:
        client = connect_async(server.address)
        answers = await asyncio.gather(*(kill(client, number) for number in range(300)))
        assert [reply.is_kill_completed for reply in answers] == [n % 2 == 0 for n in range(300)]
        assert server.connections == 1


async def test_answers_may_come_in_any_order(connect_async: Connect) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        client = connect_async(server.address)
        calls = asyncio.gather(*(kill(client, number) for number in range(20)))
        for call in reversed(await holder.arrived(20)):
            answer(call)
        assert [reply.is_kill_completed for reply in await calls] == [n % 2 == 0 for n in range(20)]


@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth-conf"])
async def test_many_calls_work_at_each_protection(connect_async: Connect, qop: str) -> None:
    with RpcServer(answer, token=TOKEN, qop=qop) as server:
        client = connect_async(server.address, login=Login(token=TOKEN))
        answers = await asyncio.gather(*(kill(client, number) for number in range(20)))
        assert [reply.is_kill_completed for reply in answers] == [n % 2 == 0 for n in range(20)]


async def test_a_slow_answer_times_out_alone(connect_async: Connect, clock: LoopClock) -> None:
    """The other calls continue: the connection is kept while the server sends anything on it."""
    slow: list[Call] = []

    def answer_even(call: Call) -> None:
        answer(call) if number_of(call) % 2 == 0 else slow.append(call)

    with RpcServer(answer_even) as server:
        client = connect_async(server.address, timeout=20)
        hanging = asyncio.ensure_future(kill(client, 1))
        for _ in range(2):
            assert (await kill(client, 2)).is_kill_completed
            clock.ahead += 10
        with pytest.raises(CallTimeoutError, match="forceKillApplication had no answer in time"):
            await hanging
        answer(slow[0])
        assert (await kill(client, 2)).is_kill_completed
        assert server.connections == 1


async def test_a_server_that_says_nothing_at_all_is_given_up(
    connect_async: Connect, clock: LoopClock
) -> None:
    holder = Holder()
    with RpcServer(holder) as mute, RpcServer(answer) as other:
        client = connect_async(mute.address, other.address, timeout=20)
        hanging = asyncio.ensure_future(kill(client))
        await holder.arrived()
        clock.ahead += 20
        with pytest.raises(CallTimeoutError) as caught:
            await hanging
        assert isinstance(caught.value, TimeoutError)
        assert (await kill(client)).is_kill_completed


async def test_a_cancelled_call_leaves_the_connection_usable(connect_async: Connect) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        client = connect_async(server.address)
        cancelled = asyncio.ensure_future(kill(client, 1))
        await holder.arrived(1)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        following = asyncio.ensure_future(kill(client, 2))
        for call in await holder.arrived(2):  # the cancelled one's answer comes too late
            answer(call)
        assert (await following).is_kill_completed
        assert server.connections == 1


async def test_a_caller_that_gives_up_while_connecting_does_not_delay_the_others(
    connect_async: Connect,
) -> None:
    with RpcServer(answer) as server:
        client = connect_async(server.address)
        cancelled, kept = asyncio.ensure_future(kill(client)), asyncio.ensure_future(kill(client))
        await asyncio.sleep(0)  # both wait for the connection now
        cancelled.cancel()
        assert (await kept).is_kill_completed
        assert cancelled.cancelled()
        assert server.connections == 1


async def test_a_login_that_waits_for_its_ticket_delays_no_other() -> None:
    loop, others_had_their_turn = asyncio.get_running_loop(), threading.Event()

    def prepare(host: str) -> MechanismFactory:
        loop.call_soon_threadsafe(others_had_their_turn.set)
        assert others_had_their_turn.wait(60)
        raise SaslError("they had")

    client = AsyncClient([("localhost", 1)], "protocol", Login("hub"), prepare=prepare)
    with pytest.raises(LoginError, match="they had"):
        await kill(client)
    await client.close()


async def test_a_request_that_cannot_be_written_is_a_wire_error_and_harmless(
    connect_async: Connect,
) -> None:
    with RpcServer(answer) as server:
        client = connect_async(server.address)
        with pytest.raises(WireError):
            await kill(client, 2**40)
        assert (await kill(client)).is_kill_completed
        assert server.connections == 1


async def test_closing_fails_outstanding_and_later_calls(
    connect_async: Connect,
) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        client = connect_async(server.address)
        outstanding = asyncio.ensure_future(kill(client))
        await holder.arrived()
        await client.close()
        for call in (outstanding, kill(client)):
            with pytest.raises(ConnectError, match="closed"):
                await call
        await client.close()


async def test_closing_while_connecting_ends_the_attempt(connect_async: Connect) -> None:
    with silent_address() as silent:
        client = connect_async(silent, timeout=3600)
        waiting = asyncio.ensure_future(kill(client))
        await asyncio.sleep(0)  # it waits for the connection now
        await client.close()
        with pytest.raises(ConnectError, match="closed"):
            await waiting


async def test_it_starts_no_threads(connect_async: Connect) -> None:
    with RpcServer(answer) as server:
        client = connect_async(server.address)
        threads = set(threading.enumerate())
        await asyncio.gather(*(kill(client) for _ in range(50)))
        new = set(threading.enumerate()) - threads
        # One thread is the server's, for the connection.
        assert len(new) <= server.connections == 1
