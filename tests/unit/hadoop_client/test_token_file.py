"""Token files round-trip, damage has one error, and no repr shows secrets."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.rpc.call import Login
from hadoop_client.security.credentials import (
    PROTOBUF,
    Credentials,
    CredentialsError,
    Token,
    decode_vint,
    encode_vint,
)
from hadoop_client.security.delegation import GetDelegationTokenResponse
from hadoop_client.wire import delimited
from hadoop_client.yarn.records import ContainerLaunchContext
from tests.unit.hadoop_client.golden_bytes import GOLDEN

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
tokens = st.builds(Token, st.binary(max_size=300), st.binary(max_size=300), texts, texts)
files = st.builds(
    Credentials,
    st.dictionaries(texts, tokens, max_size=4),
    st.dictionaries(texts, st.binary(max_size=300), max_size=4),
)


CREDENTIALS = Credentials(
    tokens={
        "alias-é": Token(b"\x00\x01\xff", b"\x09\x08", "HDFS_DELEGATION_TOKEN", "10.0.0.1:8020")
    },
    secrets={"payload": bytes(200)},
)


def test_credentials_are_written_as_hadoop_writes_them() -> None:
    assert CREDENTIALS.to_bytes() == GOLDEN["credentials_writable"]


@pytest.mark.parametrize("name", ["credentials_writable", "credentials_protobuf"])
def test_both_formats_of_credentials_are_read(name: str) -> None:
    assert Credentials.from_bytes(GOLDEN[name]) == CREDENTIALS
    assert (GOLDEN[name][4] == PROTOBUF) == name.endswith("protobuf")


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.startswith("vint:")])
def test_numbers_are_written_as_hadoop_writes_them(name: str) -> None:
    value = int(name.partition(":")[2])
    assert encode_vint(value) == GOLDEN[name]
    assert decode_vint(GOLDEN[name], 0) == (value, len(GOLDEN[name]))


@given(files)
def test_encoded_values_decode_to_the_same(original: Credentials) -> None:
    assert Credentials.from_bytes(original.to_bytes()) == original


def test_the_order_of_aliases_is_kept() -> None:
    names = ["b", "a", "c"]
    data = Credentials({name: Token(kind=name) for name in names}).to_bytes()
    assert list(Credentials.from_bytes(data).tokens) == names


def test_a_payload_of_a_megabyte_fits() -> None:
    original = Credentials(secrets={"payload": bytes(1 << 20)})
    assert Credentials.from_bytes(original.to_bytes()) == original


@given(files, st.data())
def test_a_file_that_is_cut_short_is_damaged(original: Credentials, data: st.DataObject) -> None:
    whole = original.to_bytes()
    with pytest.raises(CredentialsError):
        Credentials.from_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(files, st.data())
def test_a_changed_byte_is_noticed_or_harmless_but_never_another_error(
    original: Credentials, data: st.DataObject
) -> None:
    damaged = bytearray(original.to_bytes())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(CredentialsError):
        Credentials.from_bytes(bytes(damaged))


@given(st.sampled_from([0, 1]), st.binary())
def test_any_bytes_are_a_token_file_or_a_credentials_error(version: int, data: bytes) -> None:
    for body in (data, delimited(data)):
        with suppress(CredentialsError):
            Credentials.from_bytes(b"HDTS" + bytes([version]) + body)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin with HDTS"),
        (b"PK\x03\x04", "does not begin with HDTS"),
        (b"HDTS", "unknown format"),
        (b"HDTS\x02", "unknown format 02"),
        (b"HDTS\x00", "damaged"),
        (b"HDTS\x00\xff", "damaged.*-1"),
        (b"HDTS\x00\x8c\x7f\xff\xff\xff", "damaged.*2147483647"),
        (b"HDTS\x00\x01\x01\xff", "damaged"),
        (b"HDTS\x01\x05", "damaged"),
    ],
)
def test_damage_is_named(data: bytes, why: str) -> None:
    with pytest.raises(CredentialsError, match=why):
        Credentials.from_bytes(data)


@given(st.integers(-(2**63), 2**63 - 1), st.binary())
def test_writable_numbers_round_trip(value: int, rest: bytes) -> None:
    encoded = encode_vint(value)
    assert decode_vint(encoded + rest, 0) == (value, len(encoded))


@pytest.mark.parametrize(
    "holder",
    [
        Token(b"identifier", b"hidden", "KIND", "shown"),
        Credentials({"shown": Token(password=b"hidden")}, {"shown": b"hidden"}),
        Login(user="shown", token=Token(password=b"hidden")),
        GetDelegationTokenResponse(Token(password=b"hidden", kind="shown")),
        ContainerLaunchContext(command=("shown",), tokens=b"hidden"),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_no_repr_shows_a_secret(holder: object) -> None:
    assert "shown" in repr(holder)
    assert "hidden" not in repr(holder)
