"""Protocol Buffers on the wire (proto2), as typed frozen dataclasses.

    @dataclass(frozen=True)
    class ApplicationId(Message):
        id: int = int32(1, 0)
        cluster_timestamp: int = int64(2, 0)

- An absent field decodes to its declared default, to None where it has none, a repeated one to ().
- None is not written. Everything else is, a default too.
- Undeclared fields are skipped, and so is a field that arrives in another wire type than declared.
- Input that is damaged in any way raises `WireError`, and nothing else.

Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import enum as enums
import struct
from collections.abc import Callable
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast, overload

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
M = TypeVar("M", bound="Message")
E = TypeVar("E", bound="OpenEnum")

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
MASK64 = (1 << 64) - 1


class WireError(ValueError):
    """Bytes that are no such message, or a value that no such field can hold."""


class OpenEnum(enums.IntEnum):
    """An enum of a peer that may be newer: an unknown number is a member of its own, UNKNOWN_n."""

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


def encode_varint(value: int) -> bytes:
    """Encode a non-negative number, seven bits to a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the 64-bit number at `position` and where it ends; IndexError past the end."""
    value = shift = 0
    while shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & MASK64, position
        shift += 7
    raise WireError("a number is longer than 10 bytes")


def delimited(data: bytes) -> bytes:
    """Return `data` with its length before it."""
    return encode_varint(len(data)) + data


def read_delimited(data: bytes, position: int = 0) -> tuple[bytes, int]:
    """Return what `delimited` wrote at `position`, and where it ends."""
    try:
        size, position = decode_varint(data, position)
    except IndexError:
        raise WireError("the data end within a length") from None
    if position + size > len(data):
        raise WireError("a length points past the end of the data")
    return data[position : position + size], position + size


class FieldType(Generic[T]):
    """A type of field: its wire type, and how its payload is made and read.

    The payload is an int for VARINT and bytes for the others. Calling a kind declares a field.
    """

    def __init__(
        self, wire_type: int, encode: Callable[[T], Any], decode: Callable[[Any], T]
    ) -> None:
        self.wire_type = wire_type
        self.encode = encode
        self.decode = decode

    @overload
    def __call__(self, number: int) -> T | None: ...
    @overload
    def __call__(self, number: int, default: T) -> T: ...
    def __call__(self, number: int, default: Any = None) -> Any:
        # Whatever is secret in these protocols is of type bytes, so bytes never show in a repr.
        metadata = {"number": number, "kind": self, "repeated": False}
        return field(default=default, repr=self is not bytes_, metadata=metadata)


def repeated(declared: T | None) -> tuple[T, ...]:
    """Declare a field that holds any number of what `declared` holds: `repeated(string(3))`."""
    one: Any = declared
    many = field(default=(), repr=one.repr, metadata={**one.metadata, "repeated": True})
    return cast("tuple[T, ...]", many)


def _ranged(low: int, high: int) -> Callable[[int], int]:
    def encode(value: int) -> int:
        if not low <= value < high:
            raise WireError(f"{value} is out of range")
        return value & MASK64

    return encode


def _signed32(value: int) -> int:
    return ((value & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def _signed64(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _zigzag(value: int) -> int:
    int32.encode(value)
    return (value << 1) ^ (value >> 31)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise WireError(f"{text!a} can't be written as UTF-8") from error


int32 = FieldType(VARINT, _ranged(-(1 << 31), 1 << 31), _signed32)
int64 = FieldType(VARINT, _ranged(-(1 << 63), 1 << 63), _signed64)
uint = FieldType(VARINT, _ranged(0, 1 << 64), int)
bool_ = FieldType(VARINT, int, bool)
sint32 = FieldType(VARINT, _zigzag, lambda raw: raw >> 1 ^ -(raw & 1))
float_ = FieldType(
    FIXED32, struct.Struct("<f").pack, lambda raw: float(struct.unpack("<f", raw)[0])
)
string = FieldType(LENGTH, _utf8, lambda raw: str(raw, "utf-8", "replace"))
bytes_ = FieldType(LENGTH, bytes, bytes)


@overload
def enum(number: int, of: type[E]) -> E | None: ...
@overload
def enum(number: int, of: type[E], default: E) -> E: ...
def enum(number: int, of: type[E], default: E | None = None) -> E | None:
    """Declare a field that holds a member of `of`."""
    known = {int(member): member for member in of}  # a call of the class takes ten times as long
    kind = FieldType(VARINT, int32.encode, lambda raw: known.get(raw) or of(_signed32(raw)))
    return kind(number, default)  # type: ignore[arg-type]


@overload
def message(number: int, of: type[M]) -> M | None: ...
@overload
def message(number: int, of: type[M], default: M) -> M: ...
def message(number: int, of: type[M], default: M | None = None) -> M | None:
    """Declare a field that holds a message."""
    return FieldType(LENGTH, Message.encode, lambda raw: _read(of, raw))(number, default)  # type: ignore[arg-type]


class _Schema(NamedTuple):
    """A class of messages: how each field is written, and by its tag how it is read."""

    writes: list[tuple[str, bytes, bool, FieldType[Any]]]  # name, tag, repeated, kind
    reads: dict[int, tuple[str, bool, Callable[[Any], Any]]]  # name, repeated, decode


_plans: dict[type[Message], _Schema] = {}


def _make_plan(of: type[Message]) -> _Schema:
    plan = _Schema([], {})
    for declared in fields(of):  # type: ignore[arg-type]
        kind, many = declared.metadata["kind"], declared.metadata["repeated"]
        tag = declared.metadata["number"] << 3 | kind.wire_type
        plan.writes.append((declared.name, encode_varint(tag), many, kind))
        plan.reads[tag] = declared.name, many, kind.decode
    _plans[of] = plan
    return plan


class Message:
    """The base of all messages; each is a frozen dataclass."""

    def encode(self) -> bytes:
        """Return the message's bytes."""
        plan = _plans.get(type(self)) or _make_plan(type(self))
        out = bytearray()
        for name, tag, many, kind in plan.writes:
            value = getattr(self, name)
            if value is None:
                continue
            for one in value if many else (value,):
                payload = kind.encode(one)
                out += tag
                if kind.wire_type == VARINT:
                    payload = encode_varint(payload)
                elif kind.wire_type == LENGTH:
                    out += encode_varint(len(payload))
                out += payload
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Read a message; raises `WireError`."""
        try:
            return _read(cls, bytes(data))
        except IndexError:
            raise WireError(f"the data end within a {cls.__name__}") from None
        except RecursionError:
            raise WireError(f"a {cls.__name__} is nested too deeply") from None


def _read(of: type[M], data: bytes) -> M:
    """Read a message; IndexError where the data end too early.

    One long loop that calls little: a list of thousands of reports spends its time in it.
    """
    reads = (_plans.get(of) or _make_plan(of)).reads
    values: dict[str, Any] = {}
    lists: dict[str, list[Any]] = {}
    position, end = 0, len(data)
    while position < end:
        tag = data[position]
        position += 1
        if tag > 0x7F:
            tag, position = decode_varint(data, position - 1)
        payload: int | bytes = b""
        if tag & 7 == VARINT:
            payload = data[position]
            position += 1
            if payload > 0x7F:
                payload, position = decode_varint(data, position - 1)
        else:
            if tag & 7 == LENGTH:
                size = data[position]
                position += 1
                if size > 0x7F:
                    size, position = decode_varint(data, position - 1)
            elif tag & 7 in FIXED_SIZES:
                size = FIXED_SIZES[tag & 7]
            else:
                raise WireError(f"no field has the tag {tag}")
            if position + size > end:
                raise WireError("a length points past the end of the data")
            if tag in reads:
                payload = data[position : position + size]
            position += size
        if tag not in reads:
            if tag < 8:
                raise WireError(f"no field has the tag {tag}")
            continue
        name, many, decode = reads[tag]
        if many:
            lists.setdefault(name, []).append(decode(payload))
        else:
            values[name] = decode(payload)
    for name, items in lists.items():
        values[name] = tuple(items)
    # Past the constructor, which costs a frozen dataclass one call per field. What is absent is
    # found in the class, where dataclasses keep the defaults.
    message = of.__new__(of)
    message.__dict__.update(values)
    return message
