"""DIGEST-MD5, with RFC 2831's own example and with an independent implementation of a server."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadoop_client.security.credentials import Token
from hadoop_client.security.sasl import (
    PROTECTIONS,
    DigestMd5,
    Offer,
    Rc4,
    SaslError,
    parse_directives,
)
from tests.unit.hadoop_client.digest_server import DigestServer, Refused

TOKEN = Token(b"\x00identifier\xff", b"password", "KIND", "service")
OFFER = Offer("TOKEN", "DIGEST-MD5", "", "default")


def log_in(
    qop: str, token: Token = TOKEN, protections: Sequence[str] = ()
) -> tuple[DigestMd5, DigestServer]:
    """Exchange the messages of a login between client and server."""
    client = DigestMd5.for_token(token, OFFER, protections)
    server = DigestServer(password_of, qop)
    client.step(server.respond(client.step(server.challenge())))
    return client, server


def password_of(user: str) -> str | None:
    expected = base64.b64encode(TOKEN.identifier).decode()
    return base64.b64encode(TOKEN.password).decode() if user == expected else None


def test_the_example_of_rfc_2831() -> None:
    client = DigestMd5("chris", "secret", "imap/elwood.innosoft.com", "OA6MHXh6VqTrRk")
    response = client.step(
        b'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",'
        b"algorithm=md5-sess,charset=utf-8"
    )
    directives = parse_directives(response)
    assert directives["response"] == "d388dad90d4bbd760a152321f2143af7"
    assert directives["username"] == "chris"
    assert not client.complete
    client.step(b"rspauth=ea40f60335c427b5527b84dbabcdfffd")
    assert client.complete
    assert not client.layered


@pytest.mark.parametrize(
    ("key", "plain", "sealed"),
    [(b"Key", b"Plaintext", "bbf316e8d940af0ad3"), (b"Wiki", b"pedia", "1021bf0420")],
)
def test_rc4_gives_the_published_values(key: bytes, plain: bytes, sealed: str) -> None:
    assert Rc4(key)(plain).hex() == sealed


@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth-conf"])
def test_both_sides_prove_themselves_at_each_protection(qop: str) -> None:
    client, server = log_in(qop)
    assert client.complete
    assert client.layered == (qop != "auth")
    assert (server.receiving is not None) == client.layered


def test_without_a_configuration_the_first_protection_that_the_server_lists_is_chosen() -> None:
    assert not log_in("auth,auth-int,auth-conf")[0].layered
    assert log_in("auth-int,auth")[0].layered


@pytest.mark.parametrize(
    ("protections", "offered", "chosen"),
    [
        (["privacy"], "auth,auth-int,auth-conf", "auth-conf"),
        (["integrity"], "auth,auth-int,auth-conf", "auth-int"),
        (["authentication"], "auth-conf,auth", "auth"),
        (["privacy", "authentication"], "auth,auth-conf", "auth-conf"),
        (["authentication", "privacy"], "auth-conf,auth", "auth"),
        (["privacy", "authentication"], "auth,auth-int", "auth"),
        # A server that requires more than the client gets it.
        (["authentication"], "auth-conf", "auth-conf"),
        (["authentication"], "auth-int,auth-conf", "auth-int"),
    ],
)
def test_the_client_chooses_by_its_own_order_of_protections(
    protections: list[str], offered: str, chosen: str
) -> None:
    client = DigestMd5.for_token(TOKEN, OFFER, protections)
    response = client.step(DigestServer(password_of, offered).challenge())
    assert parse_directives(response)["qop"] == chosen


@given(
    protections=st.lists(st.sampled_from(list(PROTECTIONS)), min_size=1, unique=True),
    offered=st.lists(st.sampled_from([*PROTECTIONS.values(), "unknown"]), unique=True),
    has_cipher=st.booleans(),
)
def test_no_challenge_leads_to_a_weaker_protection_than_configured(
    protections: list[str], offered: list[str], has_cipher: bool
) -> None:
    strength = list(PROTECTIONS.values())
    weakest = min(strength.index(PROTECTIONS[name]) for name in protections)
    ciphers = "3des,rc4" if has_cipher else "3des,des"
    challenge = f'realm="r",nonce="n",qop="{",".join(offered)}",cipher="{ciphers}"'
    client = DigestMd5.for_token(TOKEN, OFFER, protections)
    possible = [
        qop for qop in offered if qop in strength[weakest:] and (has_cipher or qop != "auth-conf")
    ]
    if possible:
        assert parse_directives(client.step(challenge.encode()))["qop"] in possible
    else:
        with pytest.raises(SaslError, match="no common protection"):
            client.step(challenge.encode())


@settings(max_examples=25)
@given(qop=st.sampled_from(["auth-int", "auth-conf"]), packets=st.lists(st.binary(max_size=500)))
def test_protected_packets_arrive_in_both_directions(qop: str, packets: list[bytes]) -> None:
    client, server = log_in(qop)
    assert server.receiving is not None
    assert server.sending is not None
    for packet in packets:
        assert server.receiving.open(client.wrap(packet)) == packet
        assert client.unwrap(server.sending.seal(packet)) == packet


def test_a_sealed_packet_does_not_show_its_content() -> None:
    client, _ = log_in("auth-conf")
    assert b"a well-known text" not in client.wrap(b"a well-known text")


@pytest.mark.parametrize("qop", ["auth-int", "auth-conf"])
@pytest.mark.parametrize("position", [0, 5, -1, -4, -6, -8])
def test_a_changed_packet_is_refused(qop: str, position: int) -> None:
    client, server = log_in(qop)
    assert server.sending is not None
    packet = bytearray(server.sending.seal(b"0123456789"))
    packet[position] ^= 1
    with pytest.raises(SaslError):
        client.unwrap(bytes(packet))


@pytest.mark.parametrize("qop", ["auth-int", "auth-conf"])
def test_a_packet_that_comes_again_is_refused(qop: str) -> None:
    client, server = log_in(qop)
    assert server.sending is not None
    packet = server.sending.seal(b"once")
    client.unwrap(packet)
    with pytest.raises(SaslError):
        client.unwrap(packet)


@pytest.mark.parametrize("size", [0, 6, 15])
def test_a_packet_that_is_cut_short_is_refused(size: int) -> None:
    client, server = log_in("auth-int")
    assert server.sending is not None
    with pytest.raises(SaslError, match="cut short"):
        client.unwrap(server.sending.seal(b"")[:size])


def test_a_server_that_does_not_know_the_password_is_refused() -> None:
    client, server = DigestMd5.for_token(TOKEN, OFFER), DigestServer(password_of)
    client.step(server.challenge())
    with pytest.raises(SaslError, match="did not prove"):
        client.step(b"rspauth=00000000000000000000000000000000")
    assert not client.complete


def test_a_proof_before_any_question_is_refused() -> None:
    with pytest.raises(SaslError, match="did not prove"):
        DigestMd5.for_token(TOKEN, OFFER).step(b"rspauth=")


def test_a_client_with_another_password_is_not_let_in() -> None:
    with pytest.raises(Refused):
        log_in("auth", Token(TOKEN.identifier, b"wrong"))


@pytest.mark.parametrize(
    "challenge",
    [b'nonce="x",qop="auth-conf",cipher="3des,des"', b'nonce="x",qop="unheard-of"'],
)
def test_a_protection_that_we_do_not_have_is_refused_by_name(challenge: bytes) -> None:
    with pytest.raises(SaslError, match="no common protection"):
        DigestMd5.for_token(TOKEN, OFFER).step(challenge)


def test_a_protection_without_a_cipher_of_ours_gives_way_to_the_next() -> None:
    client = DigestMd5.for_token(TOKEN, OFFER)
    response = client.step(b'nonce="x",qop="auth-conf,auth",cipher="3des"')
    assert parse_directives(response)["qop"] == "auth"


def test_directives_are_read_with_their_quotes_and_escapes() -> None:
    challenge = rb'realm="a \"quoted\", b\\c", nonce="n=1" , qop=auth,QOP=other,empty=""'
    assert parse_directives(challenge) == {
        "realm": 'a "quoted", b\\c',
        "nonce": "n=1",
        "qop": "auth",
        "empty": "",
    }


@pytest.mark.parametrize(
    "part",
    ["a", "a ", "a=", 'a="', 'a="\\\\', 'a="\\\\"', "a=b,", " ", "=", '"', "\\\\", "a\\n=\\n"],
)
def test_a_megabyte_of_any_challenge_is_read_in_linear_time(part: str) -> None:
    """A quadratic parser takes hours for it; the process of this one has a minute."""
    program = (
        "from hadoop_client.security.sasl import parse_directives\n"
        f"parse_directives(({part!r} * 1_000_000)[:1_000_000].encode())"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_quotes_in_a_realm_are_escaped_in_the_answer() -> None:
    client = DigestMd5("me", "secret", "rm/host", "cnonce")
    response = client.step(rb'realm="a\"b\\c",nonce="n",qop="auth"')
    assert rb'realm="a\"b\\c"' in response
    assert parse_directives(response)["realm"] == 'a"b\\c'


@given(st.binary())
def test_any_challenge_is_answered_or_refused(challenge: bytes) -> None:
    with suppress(SaslError):
        DigestMd5.for_token(TOKEN, OFFER).step(challenge)
