"""The codec reads its own output, skips unknown fields, and has one error for damage."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.wire import (
    Message,
    OpenEnum,
    WireError,
    bool_,
    bytes_,
    decode_varint,
    delimited,
    encode_varint,
    enum,
    float_,
    int32,
    int64,
    message,
    read_delimited,
    repeated,
    sint32,
    string,
    uint,
)
from hadoop_client.yarn.reports import QueueInfo


class Colour(OpenEnum):
    RED = 0
    BLUE = 7


@dataclass(frozen=True)
class Inner(Message):
    name: str | None = string(1)
    number: int | None = int64(16)


@dataclass(frozen=True)
class Everything(Message):
    small: int | None = int32(1)
    large: int | None = int64(2)
    unsigned: int | None = uint(3)
    zigzag: int | None = sint32(4)
    flag: bool | None = bool_(5)
    real: float | None = float_(6)
    text: str | None = string(7)
    raw: bytes | None = bytes_(8)
    colour: Colour | None = enum(9, Colour)
    inner: Inner | None = message(10, Inner)
    numbers: tuple[int, ...] = repeated(int32(100))
    texts: tuple[str, ...] = repeated(string(2000))
    inners: tuple[Inner, ...] = repeated(message(30000, Inner))


@dataclass(frozen=True)
class Part(Message):
    text: str | None = string(7)


@dataclass(frozen=True)
class WithDefaults(Message):
    number: int = int32(1, 5)
    text: str = string(2, "as declared")


int32s = st.integers(-(2**31), 2**31 - 1)
int64s = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]))
inners = st.builds(Inner, st.none() | texts, st.none() | int64s)
messages = st.builds(
    Everything,
    small=st.none() | int32s,
    large=st.none() | int64s,
    unsigned=st.none() | st.integers(0, 2**64 - 1),
    zigzag=st.none() | int32s,
    flag=st.none() | st.booleans(),
    real=st.none() | st.floats(width=32, allow_nan=False),
    text=st.none() | texts,
    raw=st.none() | st.binary(),
    colour=st.none() | st.sampled_from(Colour),
    inner=st.none() | inners,
    numbers=st.lists(int32s).map(tuple),
    texts=st.lists(texts).map(tuple),
    inners=st.lists(inners).map(tuple),
)


@given(messages)
def test_encoded_values_decode_to_the_same(original: Everything) -> None:
    assert Everything.decode(original.encode()) == original
    assert Everything.decode(memoryview(original.encode())) == original


@given(messages)
def test_undeclared_fields_are_skipped(original: Everything) -> None:
    assert Part.decode(original.encode()) == Part(original.text)


@given(st.binary())
def test_any_bytes_are_a_message_or_a_wire_error(data: bytes) -> None:
    with suppress(WireError):
        assert isinstance(Everything.decode(data), Everything)


@given(messages, st.data())
def test_a_message_with_a_changed_byte_is_a_message_or_a_wire_error(
    original: Everything, data: st.DataObject
) -> None:
    damaged = bytearray(original.encode() + b"\x08\x01")
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(WireError):
        Everything.decode(bytes(damaged))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("08", "ends within"),
        ("0880", "ends within"),
        ("08" + "80" * 10 + "00", "longer than 10 bytes"),
        ("3a05616263", "past the end"),
        ("3a", "ends within"),
        ("3affffffffffffffffff01", "past the end"),
        ("35000000", "past the end"),
        ("5203ca3e02", "past the end"),
        ("0b", "not a valid tag"),
        ("0c", "not a valid tag"),
        ("0e00", "not a valid tag"),
        ("0000", "not a valid tag"),
    ],
)
def test_damage_is_named(data: str, why: str) -> None:
    with pytest.raises(WireError, match=why):
        Everything.decode(bytes.fromhex(data))


def test_a_message_that_is_nested_too_deeply_is_a_wire_error() -> None:
    data = b""
    for _ in range(5000):
        data = b"\x32" + delimited(data)  # QueueInfo.child_queues
    with pytest.raises(WireError, match="nested too deeply"):
        QueueInfo.decode(data)


def test_a_field_in_another_wire_type_than_declared_counts_as_undeclared() -> None:
    assert Everything.decode(b"\x0a\x01x") == Everything()


def test_of_a_field_that_comes_twice_the_last_counts() -> None:
    assert Everything.decode(b"\x08\x01\x08\x02") == Everything(small=2)


def test_an_absent_field_has_its_declared_default() -> None:
    assert WithDefaults.decode(b"") == WithDefaults(5, "as declared")


def test_defaults_are_written_and_none_is_not() -> None:
    assert WithDefaults().encode().hex() == "080512" + "0b" + b"as declared".hex()
    assert Everything().encode() == b""


def test_an_unknown_enum_number_is_kept() -> None:
    decoded = Everything.decode(b"\x48\x63")
    assert decoded.colour == 99
    assert isinstance(decoded.colour, Colour)
    assert decoded.colour.name == "UNKNOWN_99"
    assert decoded.encode() == b"\x48\x63"


def test_a_negative_enum_number_is_kept() -> None:
    assert Everything.decode(Everything(colour=Colour(-3)).encode()).colour == -3


def test_text_that_is_not_utf8_is_read_with_replacements() -> None:
    assert Part.decode(b"\x3a\x01\xff") == Part("\ufffd")


@pytest.mark.parametrize(
    "impossible",
    [
        Everything(small=2**31),
        Everything(large=-(2**63) - 1),
        Everything(unsigned=-1),
        Everything(zigzag=2**31),
        Everything(text="\ud800"),
        Everything(inner=Inner(number=2**63)),
    ],
)
def test_a_value_that_does_not_fit_is_a_wire_error(impossible: Everything) -> None:
    with pytest.raises(WireError):
        impossible.encode()


def test_bytes_never_show_in_a_repr() -> None:
    assert "hidden" not in repr(Everything(raw=b"hidden", text="shown"))
    assert "shown" in repr(Everything(raw=b"hidden", text="shown"))


def test_messages_are_values() -> None:
    assert hash(Inner("a", 1)) == hash(Inner.decode(Inner("a", 1).encode()))
    assert [field.name for field in fields(Inner)] == ["name", "number"]


@given(st.integers(0, 2**64 - 1))
def test_varints_round_trip(value: int) -> None:
    encoded = encode_varint(value)
    assert decode_varint(b"x" + encoded, 1) == (value, 1 + len(encoded))


@given(st.binary(), st.binary())
def test_delimited_parts_are_read_one_after_the_other(first: bytes, second: bytes) -> None:
    data = delimited(first) + delimited(second)
    part, position = read_delimited(data)
    assert (part, read_delimited(data, position)) == (first, (second, len(data)))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x02x"])
def test_a_delimited_part_that_is_cut_short_is_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError):
        read_delimited(data)
