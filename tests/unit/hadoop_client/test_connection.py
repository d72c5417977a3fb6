"""The connection without I/O, connected to a server without I/O."""

from __future__ import annotations

import pytest

from hadoop_client.rpc import connection as connections
from hadoop_client.rpc.call import Login, RpcError
from hadoop_client.rpc.connection import (
    Connection,
    ConnectionContext,
    RequestPacketHeader,
    ResponseHeader,
    RpcStatus,
    UserInformation,
)
from hadoop_client.security.credentials import Token
from hadoop_client.wire import WireError, read_delimited
from hadoop_client.yarn.records import ApplicationId
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_NEW_APPLICATION,
    SUBMIT_APPLICATION,
    GetNewApplicationRequest,
    GetNewApplicationResponse,
    SubmitApplicationRequest,
)
from tests.unit.hadoop_client.frames import frame, receive
from tests.unit.hadoop_client.rpc_server import AUTHORIZATION, Call, ServerSide

TOKEN = Token(b"identifier", b"password", "KIND", "service")
ALICE = Login("alice", "hub")


def new_application(number: int) -> GetNewApplicationResponse:
    return GetNewApplicationResponse(ApplicationId(number, 1700000000000))


class Conversation:
    """Our connection and a server's side, exchanging chunks of `size` bytes, or of any size."""

    def __init__(self, login: Login, size: int = 1 << 20, **options: object) -> None:
        self.calls: list[Call] = []
        self.size = size
        self.connection = Connection(APPLICATION_CLIENT_PROTOCOL, login)
        self._to_client = bytearray()
        self.server = ServerSide(
            self.calls.append, self._to_client.extend, token=login.token, **options
        )
        self.answers: dict[int, bytes | RpcError] = {}

    def call(self) -> int:
        return self.connection.call(GET_NEW_APPLICATION, GetNewApplicationRequest().encode())

    def run(self) -> None:
        """Move bytes until both sides are silent."""
        while (sent := self.connection.data_to_send()) or self._to_client:
            for piece in self._pieces(sent):
                self.server.receive(piece)
            received = bytes(self._to_client)
            self._to_client.clear()
            for piece in self._pieces(received):
                self.answers.update(self.connection.receive_data(piece))

    def _pieces(self, data: bytes) -> list[bytes]:
        return [data[start : start + self.size] for start in range(0, len(data), self.size)]


def ready_connection() -> Connection:
    connection = Connection(APPLICATION_CLIENT_PROTOCOL, ALICE)
    connection.data_to_send()
    return connection


def test_a_simple_login_begins_with_its_user() -> None:
    talk = Conversation(ALICE)
    talk.run()
    assert talk.server.context == ConnectionContext(
        UserInformation("alice", "hub"), APPLICATION_CLIENT_PROTOCOL
    )


def test_only_the_token_names_the_user_of_a_login_with_one() -> None:
    talk = Conversation(Login(user="ignored", token=TOKEN))
    talk.run()
    assert talk.server.context == ConnectionContext(None, APPLICATION_CLIENT_PROTOCOL)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 64, 1 << 20])
@pytest.mark.parametrize(
    ("login", "options"),
    [
        (ALICE, {}),
        (Login(token=TOKEN), {"qop": "auth"}),
        (Login(token=TOKEN), {"qop": "auth-int"}),
        (Login(token=TOKEN), {"qop": "auth-conf"}),
        (Login(token=TOKEN), {"qop": "auth-conf", "offers_challenge": False}),
    ],
    ids=["simple", "auth", "auth-int", "auth-conf", "without-first-challenge"],
)
def test_calls_are_answered_in_any_order_and_however_the_bytes_arrive(
    login: Login, options: dict[str, object], size: int
) -> None:
    talk = Conversation(login, size, **options)
    before_login = [talk.call() for _ in range(2)]
    talk.run()
    after_login = talk.call()
    talk.run()
    for call in reversed(talk.calls):
        call.answer(new_application(call.id))
    talk.run()
    ids = [*before_login, after_login]
    assert talk.answers == {number: new_application(number).encode() for number in ids}


def test_an_answer_is_understood_when_split_at_any_byte() -> None:
    whole = frame(ResponseHeader(0), new_application(7)) + frame(
        ResponseHeader(1, RpcStatus.ERROR, "a.b.NoException", "no\n\tat Java")
    )
    for position in range(len(whole) + 1):
        connection = ready_connection()
        for _ in range(2):
            connection.call(GET_NEW_APPLICATION, GetNewApplicationRequest().encode())
        answers = receive(connection, whole[:position]) + receive(connection, whole[position:])
        assert answers[0] == (0, new_application(7).encode())
        assert str(answers[1][1]) == "NoException: no"


def test_every_call_names_its_method_its_protocol_and_a_new_id() -> None:
    connection = ready_connection()
    ids = [
        connection.call(SUBMIT_APPLICATION, SubmitApplicationRequest().encode()) for _ in range(3)
    ]
    data, seen = connection.data_to_send(), []
    while data:
        size = int.from_bytes(data[:4], "big")
        header, position = read_delimited(data[4 : 4 + size])
        seen.append(RequestPacketHeader.decode(header))
        request, position = read_delimited(data[4 : 4 + size], position)
        assert b"submitApplication" in request
        assert APPLICATION_CLIENT_PROTOCOL.encode() in request
        data = data[4 + size :]
    assert [header.call_id for header in seen] == ids
    assert len(set(ids)) == 3
    assert len({header.client_id for header in seen}) == 1
    assert connection.data_to_send() == b""


def test_two_connections_have_different_ids() -> None:
    first, second = Connection("p", ALICE), Connection("p", ALICE)
    assert first.data_to_send() != second.data_to_send()


def test_an_exception_comes_without_its_stack_and_leaves_the_connection_usable() -> None:
    talk = Conversation(ALICE)
    refused, answered = talk.call(), talk.call()
    talk.run()
    talk.calls[0].refuse("org.apache.hadoop.yarn.exceptions.YarnException", "It is\nclosed")
    talk.calls[1].answer(new_application(1))
    talk.run()
    error = talk.answers[refused]
    assert isinstance(error, RpcError)
    assert (error.name, error.message, error.fatal) == ("YarnException", "It is\nclosed", False)
    assert error.exception_class == "org.apache.hadoop.yarn.exceptions.YarnException"
    assert talk.answers[answered] == new_application(1).encode()


def test_a_refused_proxy_is_fatal() -> None:
    talk = Conversation(ALICE, refused_users=("alice",))
    with pytest.raises(RpcError, match="hub is not allowed to impersonate alice") as caught:
        talk.run()
    assert caught.value.fatal
    assert caught.value.exception_class == AUTHORIZATION


def test_a_wrong_token_is_fatal() -> None:
    talk = Conversation(Login(token=TOKEN))
    talk.server.token = Token(TOKEN.identifier, b"another")
    with pytest.raises(RpcError, match="wrong password") as caught:
        talk.run()
    assert caught.value.fatal


def test_answers_before_a_fatal_one_are_not_lost() -> None:
    connection = ready_connection()
    connection.call(GET_NEW_APPLICATION, GetNewApplicationRequest().encode())
    answers = connection.receive_data(
        frame(ResponseHeader(0), new_application(1))
        + frame(ResponseHeader(-1, RpcStatus.FATAL, "a.FatalException", "over"))
    )
    assert next(answers) == (0, new_application(1).encode())
    with pytest.raises(RpcError, match="over"):
        next(answers)


def test_the_answer_to_a_forgotten_call_is_ignored() -> None:
    talk = Conversation(ALICE)
    forgotten, kept = talk.call(), talk.call()
    talk.run()
    talk.connection.forget(forgotten)
    for call in talk.calls:
        call.answer(new_application(call.id))
    talk.run()
    assert talk.answers == {kept: new_application(kept).encode()}


def test_an_answer_without_a_call_is_ignored() -> None:
    assert receive(ready_connection(), frame(ResponseHeader(99), new_application(1))) == []


def test_a_server_of_another_protocol_is_noticed_immediately() -> None:
    with pytest.raises(WireError, match="longer than Hadoop allows"):
        receive(ready_connection(), b"HTTP/1.1 404 Not Found\r\n")


@pytest.mark.parametrize("damaged", ["00000000", "0000000105", "000000020801", "00000003020b00"])
def test_damaged_frames_are_a_wire_error(damaged: str) -> None:
    with pytest.raises(WireError):
        receive(ready_connection(), bytes.fromhex(damaged))


def test_a_request_that_hadoop_would_not_take_is_refused_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MAX_REQUEST_BYTES", 100)
    connection = ready_connection()
    with pytest.raises(WireError, match="longer than Hadoop allows"):
        connection.call(SUBMIT_APPLICATION, SubmitApplicationRequest().encode())
    assert connection.data_to_send() == b""
