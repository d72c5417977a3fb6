"""Protocol Buffers on the wire (proto2), as typed frozen dataclasses.

    @dataclass(frozen=True)
    class ApplicationId(Message):
        id: int = int32(1, 0)
        cluster_timestamp: int = int64(2, 0)

- An absent field decodes to its declared default, or to None; an absent repeated field to ().
- Encoding writes every value but None, defaults included.
- Decoding skips undeclared fields, and fields of another wire type than declared.
- Damaged input of any kind raises `WireError` only.

Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import enum as enums
import struct
from collections.abc import Callable
from dataclasses import Field, field, fields
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

if TYPE_CHECKING:
    from typing import TypeAlias  # Python 3.8 has none, and evaluates no text

    from typing_extensions import Self

__all__ = [
    "Message",
    "OpenEnum",
    "WireError",
    "bool_",
    "bytes_",
    "enum",
    "float_",
    "int32",
    "int64",
    "message",
    "repeated",
    "sint32",
    "string",
    "uint",
]

T = TypeVar("T")
M = TypeVar("M", bound="Message")
E = TypeVar("E", bound="OpenEnum")

#: Reads a field's payload: an int for VARINT, bytes for the other wire types.
Decode: TypeAlias = "Callable[[Any], T]"

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
MASK64 = (1 << 64) - 1


class WireError(ValueError):
    """The bytes are not such a message, or a value does not fit its field."""


class OpenEnum(enums.IntEnum):
    """An enum of a peer that may be newer: an unknown number n is a member UNKNOWN_n."""

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


def encode_varint(value: int) -> bytes:
    """Encode a non-negative number as 7 bits per byte, lowest bits first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the 64-bit number at `position` and its end; raises IndexError past the end."""
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
    """Return `data` prefixed with its length."""
    return encode_varint(len(data)) + data


def read_delimited(data: bytes, position: int = 0) -> tuple[bytes, int]:
    """Return the length-prefixed bytes at `position` and their end."""
    try:
        size, position = decode_varint(data, position)
    except IndexError:
        raise WireError("the data ends within a length") from None
    if position + size > len(data):
        raise WireError("a length points past the end of the data")
    return data[position : position + size], position + size


class FieldType(Generic[T]):
    """A wire type, and how values become its payload and back. A call declares a field."""

    def __init__(
        self, wire_type: int, encode: Callable[[T], int | bytes], decode: Decode[T]
    ) -> None:
        self.wire_type = wire_type
        self.encode = encode
        self.decode = decode

    @overload
    def __call__(self, number: int) -> T | None: ...
    @overload
    def __call__(self, number: int, default: T) -> T: ...
    def __call__(self, number: int, default: T | None = None) -> T | None:
        metadata = {"number": number, "type": self, "repeated": False}
        # All secrets in these protocols are bytes, so no repr shows bytes.
        return field(default=default, repr=self is not bytes_, metadata=metadata)


def repeated(declared: T | None) -> tuple[T, ...]:
    """Declare a repeated field: `repeated(string(3))`."""
    assert isinstance(declared, Field)  # type checkers see T
    none: tuple[T, ...] = ()
    metadata = {**declared.metadata, "repeated": True}
    return field(default=none, repr=declared.repr, metadata=metadata)


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
        raise WireError(f"{text!a} cannot be encoded as UTF-8") from error


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
def enum(number: int, type_: type[E]) -> E | None: ...
@overload
def enum(number: int, type_: type[E], default: E) -> E: ...
def enum(number: int, type_: type[E], default: E | None = None) -> E | None:
    """Declare a field that holds a member of `type_`."""
    known = {int(member): member for member in type_}  # 10 times as fast as the class
    kind = FieldType(VARINT, int32.encode, lambda raw: known.get(raw) or type_(_signed32(raw)))
    return kind(number, default)  # type: ignore[arg-type]


@overload
def message(number: int, type_: type[M]) -> M | None: ...
@overload
def message(number: int, type_: type[M], default: M) -> M: ...
def message(number: int, type_: type[M], default: M | None = None) -> M | None:
    """Declare a field that holds a message."""
    kind = FieldType(LENGTH, Message.encode, lambda raw: _read(type_, raw))
    return kind(number, default)  # type: ignore[arg-type]


class _Schema(NamedTuple):
    """The fields of a message type, in order for `encode` and by tag for `_read`."""

    ordered: list[tuple[str, bytes, bool, FieldType[object]]]  # name, tag, repeated, type
    by_tag: dict[int, tuple[str, bool, Decode[object]]]  # name, repeated, decode


_schemas: dict[type[Message], _Schema] = {}


def _make_schema(type_: type[Message]) -> _Schema:
    schema = _Schema([], {})
    for declared in fields(type_):  # type: ignore[arg-type]
        field_type, is_repeated = declared.metadata["type"], declared.metadata["repeated"]
        tag = declared.metadata["number"] << 3 | field_type.wire_type
        schema.ordered.append((declared.name, encode_varint(tag), is_repeated, field_type))
        schema.by_tag[tag] = declared.name, is_repeated, field_type.decode
    _schemas[type_] = schema
    return schema


class Message:
    """The base of all messages, which are frozen dataclasses."""

    def encode(self) -> bytes:
        """Return the message's bytes; raises `WireError` if a value does not fit its field."""
        schema = _schemas.get(type(self)) or _make_schema(type(self))
        out = bytearray()
        for name, tag, is_repeated, field_type in schema.ordered:
            value = getattr(self, name)
            if value is None:
                continue
            for item in value if is_repeated else (value,):
                payload = field_type.encode(item)
                out += tag
                if isinstance(payload, int):
                    payload = encode_varint(payload)
                elif field_type.wire_type == LENGTH:
                    out += encode_varint(len(payload))
                out += payload
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Read a message; raises `WireError` if it is damaged."""
        try:
            return _read(cls, bytes(data))
        except IndexError:
            raise WireError(f"the data ends within a {cls.__name__}") from None
        except RecursionError:
            raise WireError(f"a {cls.__name__} is nested too deeply") from None


def _read(type_: type[M], data: bytes) -> M:
    """Read a message; raises IndexError if the data ends too early."""
    # One loop with few calls: reading a long list spends most of its time here.
    by_tag = (_schemas.get(type_) or _make_schema(type_)).by_tag
    values: dict[str, object] = {}
    lists: dict[str, list[object]] = {}
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
                raise WireError(f"{tag} is not a valid tag")
            if position + size > end:
                raise WireError("a length points past the end of the data")
            if tag in by_tag:
                payload = data[position : position + size]
            position += size
        if tag not in by_tag:
            if tag < 8:
                raise WireError(f"{tag} is not a valid tag")
            continue
        name, is_repeated, decode = by_tag[tag]
        if is_repeated:
            lists.setdefault(name, []).append(decode(payload))
        else:
            values[name] = decode(payload)
    for name, items in lists.items():
        values[name] = tuple(items)
    # Bypasses the constructor, which makes one call per field. The class has the defaults.
    message = type_.__new__(type_)
    message.__dict__.update(values)
    return message
