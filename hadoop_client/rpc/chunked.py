"""A large answer, decoded in pieces: the event loop's other work gets its turns in between.

What is cut between two fields of a message is a message, too, and together they say what the whole
says. A list of ten thousand reports is cut into a few hundred short lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import chain
from typing import Any

from hadoop_client.rpc.call import Response
from hadoop_client.wire import LENGTH, decode_varint

#: Takes a few milliseconds to decode.
CHUNK_BYTES = 32 << 10


async def decode(of: type[Response], data: bytes, size: int = CHUNK_BYTES) -> Response:
    """Read a message as `of.decode` does, for not much longer at a time than `size` bytes take."""
    if len(data) <= size:
        return of.decode(data)
    parts = []
    for piece in split_fields(data, size):
        parts.append(of.decode(piece))
        await asyncio.sleep(0)
    return _join(of, parts)


def split_fields(data: bytes, size: int) -> Iterator[bytes]:
    """Cut a message between its fields, wherever `size` bytes are reached.

    Whatever is no field with a length, damage too, stays in one piece with all that follows it.
    """
    start = position = 0
    while position < len(data) and data[position] & 7 == LENGTH:
        try:
            _, position = decode_varint(data, position)
            length, position = decode_varint(data, position)
        except (IndexError, ValueError):
            break
        position += length
        if position - start >= size:
            yield data[start:position]
            start = position
    if start < len(data):
        yield data[start:]


def _join(of: type[Response], parts: Sequence[Response]) -> Response:
    """Make one message of several: of a field that comes twice, the last counts."""
    values: dict[str, Any] = {}
    for field in fields(of):  # type: ignore[arg-type]
        found = [vars(part)[field.name] for part in parts if field.name in vars(part)]
        if found:
            many = field.metadata["repeated"]
            values[field.name] = tuple(chain.from_iterable(found)) if many else found[-1]
    return of(**values)
