"""AsyncClient with local servers that fail in all the ways that servers do."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import CallTimeoutError, ConnectError, Login, LoginError, RpcError
from hadoop_client.rpc.connection import ResponseHeader, RpcStatus
from hadoop_client.rpc.trace import CallRecord
from hadoop_client.security.credentials import Token
from hadoop_client.security.sasl import MechanismFactory, SaslError
from hadoop_client.wire import delimited
from hadoop_client.yarn.records import ApplicationSubmissionContext, ContainerLaunchContext
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    FORCE_KILL_APPLICATION,
    SUBMIT_APPLICATION,
    KillApplicationRequest,
    KillApplicationResponse,
    SubmitApplicationRequest,
)
from tests.unit.hadoop_client.handlers import Holder, standby
from tests.unit.hadoop_client.hub_calls import Connect, LoopClock, answer, kill, number_of
from tests.unit.hadoop_client.rpc_server import (
    AUTHORIZATION,
    REFUSED,
    Call,
    RpcServer,
    silent_address,
)

TOKEN = Token(b"identifier", b"password", "RM_DELEGATION_TOKEN", "")
ALICE = Login("alice", "hub")
ONCE_ONLY = replace(FORCE_KILL_APPLICATION, idempotent=False)


async def until_it_works(client: AsyncClient) -> KillApplicationResponse:
    """Call until the client no longer backs off."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 60
    while True:
        try:
            return await kill(client)
        except ConnectError:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(0.01)


async def test_addresses_that_refuse_or_are_in_standby_are_passed_over(
    connect_async: Connect,
) -> None:
    with RpcServer(standby) as first, RpcServer(answer) as second:
        client = connect_async(REFUSED, first.address, second.address)
        await asyncio.gather(*(kill(client) for _ in range(10)))
        assert (first.connections, second.connections) == (1, 1)


async def test_an_address_that_stays_silent_leaves_time_for_the_next(
    connect_async: Connect, clock: LoopClock
) -> None:
    with silent_address() as silent, RpcServer(answer) as server:
        client = connect_async(silent, server.address, timeout=20)
        calls = [asyncio.ensure_future(kill(client)) for _ in range(5)]
        for _ in range(3):
            await asyncio.sleep(0)  # the calls begin, then what connects, then its deadline
        clock.ahead += 10
        await asyncio.gather(*calls)
        client = connect_async(silent, timeout=0.2)
        for error in await asyncio.gather(kill(client), kill(client), return_exceptions=True):
            assert isinstance(error, CallTimeoutError)
            assert error.reasons == {silent: "no answer in time"}


async def test_the_active_address_is_remembered(connect_async: Connect) -> None:
    with RpcServer(standby) as first, RpcServer(answer) as second:
        client = connect_async(first.address, second.address)
        await kill(client)
        second.drop_connections()
        await kill(client)
        assert (first.connections, second.connections) == (1, 2)


async def test_if_no_server_answers_the_error_has_each_address_and_its_reason(
    connect_async: Connect,
) -> None:
    with RpcServer(standby) as server:
        named = ("localhost", REFUSED[1])
        unknown, malformed = ("no-such-host.invalid", 1), ("a" * 70, 1)
        client = connect_async(REFUSED, named, server.address, unknown, malformed)
        with pytest.raises(ConnectError) as caught:
            await kill(client)
    assert caught.value.reasons == {
        REFUSED: "connection refused",
        named: "connection refused",
        server.address: "it is in standby",
        unknown: "no such host",
        malformed: "no such host",
    }


async def test_hadoops_default_address_is_explained(connect_async: Connect) -> None:
    default = ("0.0.0.0", REFUSED[1])
    with pytest.raises(ConnectError, match=r"set yarn\.resourcemanager\.hostname") as caught:
        await kill(connect_async(default))
    assert caught.value.reasons[default].startswith("connection refused (0.0.0.0 is the default: ")


@pytest.mark.parametrize("others", [(), (REFUSED,)], ids=["alone", "of-a-pair"])
async def test_a_failed_login_is_reported_as_one_during_the_backoff_too(
    others: tuple[tuple[str, int], ...],
) -> None:
    def prepare(host: str) -> MechanismFactory:
        raise SaslError("no ticket")

    address = ("127.0.0.1", 1)
    client = AsyncClient((address, *others), APPLICATION_CLIENT_PROTOCOL, ALICE, prepare=prepare)
    for _ in range(2):
        with pytest.raises(LoginError) as caught:
            await kill(client)
        assert caught.value.reasons[address] == "no ticket"
        assert caught.value.about("YARN").startswith("Authentication to YARN failed: forceKill")
    await client.close()


async def test_idempotent_calls_outstanding_on_a_lost_connection_are_sent_again(
    connect_async: Connect,
) -> None:
    holder = Holder()
    with RpcServer(holder) as server, RpcServer(answer) as other:
        client = connect_async(server.address, other.address)
        calls = asyncio.gather(*(kill(client, 2) for _ in range(3)))
        await holder.arrived(3)
        server.drop_connections()
        assert [reply.is_kill_completed for reply in await calls] == [True] * 3
    assert len(holder.calls) == 3


async def test_a_call_that_must_not_be_repeated_fails_with_its_connection(
    connect_async: Connect,
) -> None:
    holder = Holder()
    with RpcServer(holder) as server:
        client = connect_async(server.address, server.address)
        call = asyncio.ensure_future(client.call(ONCE_ONLY, KillApplicationRequest()))
        await holder.arrived()
        server.drop_connections()
        with pytest.raises(ConnectError, match="may or may not have been executed"):
            await call
        assert len(holder.calls) == 1


async def test_after_a_lost_connection_the_next_call_connects_again(connect_async: Connect) -> None:
    with RpcServer(answer) as server:
        client = connect_async(server.address)
        await kill(client)
        server.drop_connections()
        await kill(client)
        assert server.connections == 2


async def test_a_server_that_came_back_is_found_again(connect_async: Connect) -> None:
    with RpcServer(answer) as server:
        client = connect_async(server.address)
        await kill(client)
    with pytest.raises(ConnectError, match="refused"):
        await kill(client)
    with RpcServer(answer, port=server.address[1]):
        assert (await until_it_works(client)).is_kill_completed


async def test_servers_that_do_not_answer_are_left_alone_for_a_while() -> None:
    records: list[CallRecord] = []
    with RpcServer(standby) as server:
        addresses = REFUSED, server.address
        client = AsyncClient(addresses, APPLICATION_CLIENT_PROTOCOL, ALICE, on_call=records.append)
        for _ in range(100):
            with pytest.raises(ConnectError) as caught:
                await kill(client)
            assert caught.value.reasons == {
                REFUSED: "connection refused",
                server.address: "it is in standby",
            }
        await client.close()
    assert server.connections < 100
    assert len(records) < 300


async def test_an_outage_that_one_login_has_found_spares_the_others_their_attempts(
    connect_async: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hadoop_client.rpc.failover.FIRST_BACKOFF_SECONDS", 60.0)
    with RpcServer(standby) as server:
        client = connect_async(server.address)
        other = client.for_login(Login("bob", "hub"))
        for either in (client, other):
            with pytest.raises(ConnectError, match="it is in standby"):
                await kill(either)
        await other.close()
        assert server.connections == 1


async def test_the_active_server_that_one_login_has_found_is_the_others_first(
    connect_async: Connect,
) -> None:
    with RpcServer(standby) as first, RpcServer(answer) as second:
        client = connect_async(first.address, second.address)
        await kill(client)
        other = client.for_login(Login("bob", "hub"))
        assert (await kill(other)).is_kill_completed
        await other.close()
        assert (first.connections, second.connections) == (1, 2)


async def test_a_damaged_answer_is_an_error_that_says_so(connect_async: Connect) -> None:
    def answer_damaged(call: Call) -> None:
        packet = delimited(ResponseHeader(call.id).encode()) + delimited(b"\x0a\x05")
        call.side.flush(len(packet).to_bytes(4, "big") + packet)

    with (
        RpcServer(answer_damaged) as server,
        pytest.raises(ConnectError, match="past the end of the data"),
    ):
        await kill(connect_async(server.address))


async def test_a_refused_impersonation_fails_every_call(connect_async: Connect) -> None:
    with RpcServer(answer, refused_users=("alice",)) as server:
        client = connect_async(server.address)
        answers = await asyncio.gather(*(kill(client) for _ in range(5)), return_exceptions=True)
    for error in answers:
        assert isinstance(error, RpcError)
        assert error.exception_class == AUTHORIZATION
        assert error.message == "User: hub is not allowed to impersonate alice"


async def test_a_refusal_is_reported_although_a_large_request_cannot_be_sent(
    connect_async: Connect,
) -> None:
    """The server refuses the first bytes and closes while the client still sends megabytes."""
    launch = ContainerLaunchContext(tokens=bytes(16 << 20))
    request = SubmitApplicationRequest(ApplicationSubmissionContext(am_container_spec=launch))
    with RpcServer(answer, refused_users=("alice",)) as server:
        client = connect_async(server.address)
        with pytest.raises(RpcError, match="not allowed to impersonate alice"):
            await client.call(SUBMIT_APPLICATION, request)


async def test_a_refusal_is_reported_although_sending_fails(
    connect_async: Connect,
) -> None:
    with RpcServer(answer) as server:
        client = connect_async(server.address)
        await kill(client)
        # The client writes before it reads, so the write finds the connection closed.
        server.sides[0].send(ResponseHeader(-1, RpcStatus.FATAL, "a.FatalException", "over"))
        server.reset_connections()
        with pytest.raises(RpcError, match="over"):
            await kill(client)


async def test_a_refusal_of_one_call_leaves_the_others(connect_async: Connect) -> None:
    def refuse_odd(call: Call) -> None:
        answer(call) if number_of(call) % 2 == 0 else call.refuse("a.OddException", "odd")

    with RpcServer(refuse_odd) as server:
        client = connect_async(server.address)
        odd, even = await asyncio.gather(kill(client, 1), kill(client, 2), return_exceptions=True)
        assert str(odd) == "OddException: odd"
        assert even == KillApplicationResponse(True)
        assert server.connections == 1


async def test_a_fatal_refusal_ends_the_connection_and_the_next_call_connects_again(
    connect_async: Connect,
) -> None:
    def refuse_odd(call: Call) -> None:
        if number_of(call) % 2 == 0:
            answer(call)
        else:
            call.refuse("a.FatalException", "over", fatal=True)

    with RpcServer(refuse_odd) as server:
        client = connect_async(server.address)
        with pytest.raises(RpcError, match="over") as caught:
            await kill(client, 1)
        assert caught.value.fatal
        assert (await kill(client, 2)).is_kill_completed
        assert server.connections == 2


async def test_a_wrong_token_is_reported_with_the_servers_text(connect_async: Connect) -> None:
    with RpcServer(answer, token=TOKEN) as server:
        client = connect_async(
            server.address, login=Login(token=Token(TOKEN.identifier, b"another"))
        )
        with pytest.raises(RpcError, match="wrong password"):
            await kill(client)


async def test_a_port_that_speaks_http_is_named_as_such(connect_async: Connect) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(ConnectError, match="longer than Hadoop allows"):
            await kill(connect_async(server.sockets[0].getsockname()))
