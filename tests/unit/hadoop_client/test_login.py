"""The connection's login: refused servers, and mechanisms of the caller."""

from __future__ import annotations

import pytest

from hadoop_client.rpc.call import Login
from hadoop_client.rpc.connection import (
    Connection,
    ConnectionContext,
    ResponseHeader,
    SaslMessage,
    SaslState,
    UserInformation,
)
from hadoop_client.security.credentials import Token
from hadoop_client.security.sasl import Offer, SaslError
from hadoop_client.wire import WireError, read_delimited
from tests.unit.hadoop_client.frames import frame, receive, sasl

TOKEN = Token(b"identifier", b"password", "KIND", "service")


@pytest.mark.parametrize(
    "offers",
    [(), (Offer("SIMPLE", ""),), (Offer("KERBEROS", "GSSAPI"), Offer("TOKEN", "OTHER"))],
)
def test_a_server_that_accepts_no_tokens_is_refused(offers: tuple[Offer, ...]) -> None:
    connection = Connection("p", Login(token=TOKEN))
    with pytest.raises(SaslError, match="no common authentication method"):
        receive(connection, sasl(SaslState.NEGOTIATE, None, *offers))


@pytest.mark.parametrize(
    "state", [SaslState.SUCCESS, SaslState.CHALLENGE, SaslState.WRAP, SaslState.RESPONSE]
)
def test_a_login_that_begins_with_another_state_is_refused(state: SaslState) -> None:
    with pytest.raises(SaslError, match="unexpectedly"):
        receive(Connection("p", Login(token=TOKEN)), sasl(state, b""))


def test_a_server_that_does_not_prove_its_identity_is_refused() -> None:
    connection = Connection("p", Login(token=TOKEN))
    offer = Offer("TOKEN", "DIGEST-MD5", "", "default", b'nonce="x",qop="auth"')
    receive(connection, sasl(SaslState.NEGOTIATE, None, offer))
    with pytest.raises(SaslError, match="without proving"):
        receive(connection, sasl(SaslState.SUCCESS))


def test_an_answer_during_the_login_is_refused() -> None:
    with pytest.raises(WireError, match="another message during"):
        receive(Connection("p", Login(token=TOKEN)), frame(ResponseHeader(0)))


class Password:
    """A mechanism of the caller, as Kerberos is. Its protection reverses the bytes."""

    complete = False
    layered = True

    def __init__(self, offer: Offer) -> None:
        self.offer = offer

    def step(self, challenge: bytes | None) -> bytes:
        if challenge is None:
            return b"first"
        self.complete = challenge == b"welcome"
        return b"second"

    def wrap(self, data: bytes) -> bytes:
        return data[::-1]

    def unwrap(self, data: bytes) -> bytes:
        if data == b"changed":
            raise SaslError("it was changed on its way")
        return data[::-1]


@pytest.mark.parametrize(
    ("login", "user"),
    [(Login("alice", "hub"), UserInformation("alice")), (Login("hub"), None)],
    ids=["for-another", "for-oneself"],
)
def test_a_mechanism_of_the_callers_logs_in_and_protects(
    login: Login, user: UserInformation | None
) -> None:
    made: list[Password] = []

    def mechanisms(offer: Offer) -> Password | None:
        if offer.method != "KERBEROS":
            return None
        made.append(Password(offer))
        return made[0]

    connection = Connection("p", login, mechanisms)
    offers = (Offer("TOKEN", "DIGEST-MD5"), Offer("KERBEROS", "GSSAPI", "rm", "host"))
    receive(connection, sasl(SaslState.NEGOTIATE, None, *offers))
    assert made[0].offer == offers[1]
    receive(connection, sasl(SaslState.CHALLENGE, b"more"))
    assert b"second" in connection.data_to_send()
    receive(connection, sasl(SaslState.SUCCESS, b"welcome"))
    sent = connection.data_to_send()
    _, position = read_delimited(sent[4:])
    wrapped = SaslMessage.decode(read_delimited(sent[4:], position)[0])
    assert wrapped.state == SaslState.WRAP
    plain = (wrapped.token or b"")[::-1]
    _, position = read_delimited(plain[4:])
    context = ConnectionContext.decode(read_delimited(plain[4:], position)[0])
    assert context == ConnectionContext(user, "p")


def test_an_answer_that_cannot_be_unwrapped_is_not_a_refused_login() -> None:
    """The call has been sent and may have been executed. After a refused login it would be sent
    again."""
    connection = Connection("p", Login("hub"), Password)
    receive(connection, sasl(SaslState.NEGOTIATE, None, Offer("KERBEROS", "GSSAPI")))
    receive(connection, sasl(SaslState.CHALLENGE, b"welcome") + sasl(SaslState.SUCCESS))
    with pytest.raises(WireError, match="it was changed on its way"):
        receive(connection, sasl(SaslState.WRAP, b"changed"))
