"""BlockingClient with a local server that fails in all the ways that servers do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import CallTimeoutError, ConnectError, Login, RpcError
from hadoop_client.security.credentials import Token
from hadoop_client.wire import WireError
from hadoop_client.yarn.applicationmaster import (
    ALLOCATE,
    APPLICATION_MASTER_PROTOCOL,
    REGISTER_APPLICATION_MASTER,
    AllocateRequest,
    AllocateResponse,
    RegisterApplicationMasterRequest,
    RegisterApplicationMasterResponse,
)
from tests.unit.hadoop_client.handlers import Once, silence, standby
from tests.unit.hadoop_client.rpc_server import REFUSED, STANDBY, Call, RpcServer, silent_address

TOKEN = Token(b"identifier", b"password", "YARN_AM_RM_TOKEN", "")
Connect = Callable[..., BlockingClient]
UNKNOWN = "org.apache.hadoop.yarn.exceptions.ApplicationAttemptNotFoundException"


def answer(call: Call) -> None:
    call.answer(AllocateResponse(response_id=AllocateRequest.decode(call.body).response_id + 1))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make clients that are closed when the test ends."""
    clients: list[BlockingClient] = []

    def make(*addresses: tuple[str, int], timeout: float = 60.0) -> BlockingClient:
        login = Login(token=TOKEN)
        client = BlockingClient(addresses, APPLICATION_MASTER_PROTOCOL, login, timeout)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


def beat(client: BlockingClient, number: int = 1) -> int:
    return client.call(ALLOCATE, AllocateRequest(number)).response_id


def test_calls_share_one_connection_that_opens_with_the_first(
    connect: Connect,
) -> None:
    with RpcServer(answer, token=TOKEN) as server, connect(server.address) as client:
        assert server.connections == 0
        assert [beat(client, number) for number in range(5)] == [1, 2, 3, 4, 5]
        assert server.connections == 1


@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth-conf"])
def test_calls_work_at_each_protection(connect: Connect, qop: str) -> None:
    with RpcServer(answer, token=TOKEN, qop=qop) as server:
        assert beat(connect(server.address), 8) == 9


def test_a_refused_address_is_passed_over(connect: Connect) -> None:
    with RpcServer(answer, token=TOKEN) as server:
        assert beat(connect(REFUSED, server.address)) == 2


def test_an_unknown_host_is_passed_over(connect: Connect) -> None:
    with RpcServer(answer, token=TOKEN) as server:
        assert beat(connect(("no-such-host.invalid", 1), ("a" * 70, 1), server.address)) == 2


def test_an_address_that_stays_silent_leaves_time_for_the_next(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: dict[tuple[str, int], float] = {}
    create_connection = socket.create_connection

    def create(address: tuple[str, int], timeout: float) -> socket.socket:
        shares[address] = timeout
        return create_connection(address, 0.2 if address == silent else timeout)

    with silent_address() as silent, RpcServer(answer, token=TOKEN) as server:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "create_connection", create)
            assert beat(connect(silent, server.address, timeout=60)) == 2
        assert shares[silent] == 30
        client = connect(silent, timeout=0.2)
        with pytest.raises(CallTimeoutError, match=f"{silent[1]}: no answer in time"):
            beat(client)


def test_a_server_in_standby_is_passed_over_and_not_asked_again(
    connect: Connect,
) -> None:
    asked = Once(standby, standby)
    with RpcServer(asked, token=TOKEN) as first, RpcServer(answer, token=TOKEN) as second:
        client = connect(first.address, second.address)
        assert [beat(client), beat(client)] == [2, 2]
    assert asked.calls == 1


def test_an_active_server_that_goes_to_standby_is_left(
    connect: Connect,
) -> None:
    with (
        RpcServer(Once(answer, standby), token=TOKEN) as first,
        RpcServer(answer, token=TOKEN) as second,
    ):
        client = connect(first.address, second.address)
        assert [beat(client), beat(client)] == [2, 2]
        assert second.connections == 1


def test_if_no_server_answers_the_error_has_each_address_and_its_reason(
    connect: Connect,
) -> None:
    with RpcServer(standby, token=TOKEN) as server:
        client = connect(REFUSED, server.address)
        with pytest.raises(ConnectError) as caught:
            beat(client)
    assert caught.value.reasons == {
        REFUSED: "connection refused",
        server.address: "it is in standby",
    }
    assert f"127.0.0.1:{REFUSED[1]}: connection refused" in str(caught.value)


def test_a_router_of_hdfs_in_safe_mode_is_passed_over_and_named_as_it_is(
    connect: Connect,
) -> None:
    text = "Router vm:28295 is in safe mode and cannot handle WRITE requests"
    with (
        RpcServer(lambda call: call.refuse(STANDBY, text), token=TOKEN) as server,
        pytest.raises(ConnectError) as caught,
    ):
        beat(connect(server.address))
    assert caught.value.reasons == {server.address: text}


def test_an_idempotent_call_that_is_dropped_is_sent_again(
    connect: Connect,
) -> None:
    dropped = Once(Call.drop, answer)
    with RpcServer(answer, token=TOKEN) as other, RpcServer(dropped, token=TOKEN) as server:
        client = connect(server.address, other.address)
        assert beat(client) == 2
    assert dropped.calls == 1


def test_an_address_that_has_answered_gets_another_try(
    connect: Connect,
) -> None:
    drop_second = Once(answer, Once(Call.drop, answer))
    with RpcServer(answer, token=TOKEN) as other, RpcServer(drop_second, token=TOKEN) as server:
        client = connect(server.address, other.address)
        assert [beat(client), beat(client)] == [2, 2]
        assert (server.connections, other.connections) == (2, 0)


def test_a_call_that_is_dropped_each_time_ends(connect: Connect) -> None:
    dropped = Once(Call.drop, Call.drop)
    with RpcServer(dropped, token=TOKEN) as server:
        client = connect(server.address)
        with pytest.raises(ConnectError, match="closed the connection"):
            beat(client)
    assert dropped.calls == 1


def test_a_call_that_must_not_be_repeated_is_sent_once(
    connect: Connect,
) -> None:
    dropped = Once(Call.drop, answer)
    with RpcServer(dropped, token=TOKEN) as server:
        client = connect(server.address, server.address)
        with pytest.raises(ConnectError, match="may or may not have been executed"):
            client.call(REGISTER_APPLICATION_MASTER, RegisterApplicationMasterRequest())
        assert dropped.calls == 1
        assert beat(client) == 2


def test_a_call_that_must_not_be_repeated_still_leaves_a_standby(
    connect: Connect,
) -> None:
    def register(call: Call) -> None:
        call.answer(RegisterApplicationMasterResponse("root.default"))

    with RpcServer(standby, token=TOKEN) as first, RpcServer(register, token=TOKEN) as second:
        client = connect(first.address, second.address)
        response = client.call(REGISTER_APPLICATION_MASTER, RegisterApplicationMasterRequest())
    assert response.queue == "root.default"


def test_a_connection_that_was_lost_between_calls_costs_nothing(
    connect: Connect,
) -> None:
    once_only = replace(ALLOCATE, idempotent=False)
    with RpcServer(answer, token=TOKEN) as server:
        client = connect(server.address)
        assert beat(client) == 2
        server.drop_connections()
        assert client.call(once_only, AllocateRequest(5)).response_id == 6
        assert server.connections == 2


def test_a_server_that_came_back_is_found_again(connect: Connect) -> None:
    with RpcServer(answer, token=TOKEN) as server:
        client = connect(server.address)
        beat(client)
    with pytest.raises(ConnectError, match="refused"):
        beat(client)
    with RpcServer(answer, port=server.address[1], token=TOKEN):
        assert beat(client) == 2


def test_a_slow_answer_is_a_timeout_of_two_types(connect: Connect) -> None:
    with RpcServer(silence, token=TOKEN) as server:
        client = connect(server.address, timeout=0.5)
        with pytest.raises(CallTimeoutError, match="allocate had no answer in time") as caught:
            beat(client)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, ConnectError)


def test_a_server_that_takes_connections_and_says_nothing_is_a_timeout(
    connect: Connect,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(CallTimeoutError):
        beat(connect(mute.getsockname(), timeout=0.2))


def test_after_a_timeout_the_other_address_comes_first_and_no_late_answer_is_taken(
    connect: Connect,
) -> None:
    held: list[Call] = []
    with (
        RpcServer(held.append, token=TOKEN) as slow,
        RpcServer(answer, token=TOKEN) as quick,
    ):
        client = connect(slow.address, quick.address, timeout=1)
        with pytest.raises(CallTimeoutError):
            beat(client, 1)
        client._timeout = 60.0
        assert beat(client, 10) == 11


def test_a_refusal_is_raised_and_leaves_the_connection(
    connect: Connect,
) -> None:
    refuse = Once(lambda call: call.refuse(UNKNOWN, "Application attempt doesn't exist"), answer)
    with RpcServer(refuse, token=TOKEN) as server:
        client = connect(server.address)
        with pytest.raises(RpcError, match="attempt doesn't exist") as caught:
            beat(client)
        assert caught.value.name == "ApplicationAttemptNotFoundException"
        assert caught.value.message == "Application attempt doesn't exist"
        assert beat(client) == 2
        assert server.connections == 1


def test_a_fatal_refusal_is_raised_and_the_next_call_connects_again(
    connect: Connect,
) -> None:
    refuse = Once(lambda call: call.refuse("a.FatalException", "over", fatal=True), answer)
    with RpcServer(refuse, token=TOKEN) as server:
        client = connect(server.address)
        with pytest.raises(RpcError, match="over") as caught:
            beat(client)
        assert caught.value.fatal
        assert beat(client) == 2
        assert server.connections == 2


def test_a_refusal_is_reported_although_a_large_request_cannot_be_sent() -> None:
    """The server refuses the first bytes and closes while the client still sends megabytes."""
    request = RegisterApplicationMasterRequest(tracking_url="x" * (16 << 20))
    login = Login("alice", "hub")
    with RpcServer(answer, refused_users=("alice",)) as server:
        client = BlockingClient([server.address], APPLICATION_MASTER_PROTOCOL, login)
        with client, pytest.raises(RpcError, match="not allowed to impersonate alice"):
            client.call(REGISTER_APPLICATION_MASTER, request)


def test_a_wrong_token_is_reported_with_the_servers_text() -> None:
    with RpcServer(answer, token=TOKEN) as server:
        login = Login(token=Token(TOKEN.identifier, b"another"))
        client = BlockingClient([server.address], APPLICATION_MASTER_PROTOCOL, login)
        with client, pytest.raises(RpcError, match="wrong password"):
            beat(client)


def test_a_port_that_speaks_http_is_named_as_such(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1000)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ConnectError, match="longer than Hadoop allows"):
            beat(connect(listener.getsockname()))
        thread.join()


def test_a_request_that_cannot_be_written_is_a_wire_error_and_harmless(
    connect: Connect,
) -> None:
    with RpcServer(answer, token=TOKEN) as server:
        client = connect(server.address)
        with pytest.raises(WireError):
            beat(client, 2**40)
        assert beat(client) == 2
        assert server.connections == 1
