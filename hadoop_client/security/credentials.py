"""Hadoop's token files, as in HADOOP_TOKEN_FILE_LOCATION and in an application's launch context.

- Reads both of Hadoop's formats (0: Writable, 1: Protocol Buffers). Writes format 0, which every
  Hadoop 2 and 3 reads.
- Damaged input raises `CredentialsError` only.
- No repr shows a password or a secret.

Source: org.apache.hadoop.security.Credentials and org.apache.hadoop.io.WritableUtils.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hadoop_client.wire import Message, WireError, bytes_, message, read_delimited, repeated, string

__all__ = ["Credentials", "CredentialsError", "Token"]

MAGIC = b"HDTS"
WRITABLE, PROTOBUF = 0, 1


class CredentialsError(ValueError):
    """The bytes are not a Hadoop token file."""


@dataclass(frozen=True)
class Token(Message):
    """A token: the owner's `identifier`, its proof, and the service that accepts it.

    Also a message, TokenProto, in which services issue tokens.
    """

    identifier: bytes = bytes_(1, b"")
    password: bytes = bytes_(2, b"")
    kind: str = string(3, "")
    service: str = string(4, "")


@dataclass(frozen=True)
class _Entry(Message):
    alias: str = string(1, "")
    token: Token = message(2, Token, Token())
    secret: bytes = bytes_(3, b"")


@dataclass(frozen=True)
class _Entries(Message):
    tokens: tuple[_Entry, ...] = repeated(message(1, _Entry))
    secrets: tuple[_Entry, ...] = repeated(message(2, _Entry))


@dataclass(frozen=True)
class Credentials:
    """Tokens and secrets by alias."""

    tokens: Mapping[str, Token] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Credentials(tokens={dict(self.tokens)}, secrets={list(self.secrets)})"

    @classmethod
    def from_bytes(cls, data: bytes) -> Credentials:
        """Read a token file; raises `CredentialsError` if it is damaged."""
        if data[:4] != MAGIC:
            raise CredentialsError("This is not a Hadoop token file: it does not begin with HDTS.")
        try:
            if data[4:5] == bytes([WRITABLE]):
                return _read_writable(data)
            if data[4:5] == bytes([PROTOBUF]):
                entries = _Entries.decode(read_delimited(data, 5)[0])
                return cls(
                    {entry.alias: entry.token for entry in entries.tokens},
                    {entry.alias: entry.secret for entry in entries.secrets},
                )
        except (WireError, IndexError, UnicodeDecodeError) as error:
            raise CredentialsError(f"The Hadoop token file is damaged: {error}.") from error
        raise CredentialsError(f"The Hadoop token file has the unknown format {data[4:5].hex()}.")

    def to_bytes(self) -> bytes:
        """Write a token file."""
        out = bytearray(MAGIC)
        out.append(WRITABLE)
        out += encode_vint(len(self.tokens))
        for alias, token in self.tokens.items():
            parts = (alias.encode(), token.identifier, token.password)
            for part in (*parts, token.kind.encode(), token.service.encode()):
                out += encode_vint(len(part)) + part
        out += encode_vint(len(self.secrets))
        for alias, secret in self.secrets.items():
            for part in (alias.encode(), secret):
                out += encode_vint(len(part)) + part
        return bytes(out)


def encode_vint(value: int) -> bytes:
    """Encode a number as a Writable: a small one in 1 byte, else sign and size come first."""
    if -112 <= value <= 127:
        return value.to_bytes(1, "big", signed=True)
    base, value = (-120, ~value) if value < 0 else (-112, value)
    size = (value.bit_length() + 7) // 8
    return (base - size).to_bytes(1, "big", signed=True) + value.to_bytes(size, "big")


def decode_vint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position` and its end; raises IndexError past the end."""
    first = data[position] - (data[position] & 0x80) * 2
    position += 1
    if first >= -112:
        return first, position
    negative = first < -120
    size = (-120 if negative else -112) - first
    if position + size > len(data):
        raise IndexError("the data ends within a number")
    value = int.from_bytes(data[position : position + size], "big")
    return (~value if negative else value), position + size


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = len(MAGIC) + 1

    def count(self) -> int:
        value, self._position = decode_vint(self._data, self._position)
        # Each counted item takes at least one byte.
        if not 0 <= value <= len(self._data) - self._position:
            raise IndexError(f"{value} is not a possible size")
        return value

    def raw(self) -> bytes:
        size = self.count()
        self._position += size
        return self._data[self._position - size : self._position]

    def text(self) -> str:
        return self.raw().decode()


def _read_writable(data: bytes) -> Credentials:
    reader = _Reader(data)
    tokens = {}
    for _ in range(reader.count()):
        alias = reader.text()
        tokens[alias] = Token(reader.raw(), reader.raw(), reader.text(), reader.text())
    return Credentials(tokens, {reader.text(): reader.raw() for _ in range(reader.count())})
