"""Decodes a large answer in chunks, so that the event loop's other work can run in between.

A message that is split between two fields is two messages, which merge into the whole again. A list
of ten thousand reports is split into a few hundred short lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import chain

from hadoop_client.rpc.call import Response
from hadoop_client.wire import LENGTH, decode_varint

#: The size of a chunk; one takes a few milliseconds to decode.
CHUNK_BYTES = 32 << 10


async def decode(message_type: type[Response], data: bytes, size: int = CHUNK_BYTES) -> Response:
    """Decode a message, yielding to the event loop about every `size` bytes."""
    if len(data) <= size:
        return message_type.decode(data)
    parts = []
    for chunk in split_fields(data, size):
        parts.append(message_type.decode(chunk))
        await asyncio.sleep(0)
    return _merge(message_type, parts)


def split_fields(data: bytes, size: int) -> Iterator[bytes]:
    """Split a message between fields into chunks of at least `size` bytes.

    At the first field that is damaged or has no length, the rest becomes one chunk.
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


def _merge(message_type: type[Response], parts: Sequence[Response]) -> Response:
    """Merge messages: repeated fields are concatenated, of any other the last value counts."""
    values: dict[str, object] = {}
    for field in fields(message_type):  # type: ignore[arg-type]
        # `vars` has only the fields that a part contains; the others are defaults of its class.
        present = [vars(part)[field.name] for part in parts if field.name in vars(part)]
        if present:
            is_repeated = field.metadata["repeated"]
            values[field.name] = tuple(chain.from_iterable(present)) if is_repeated else present[-1]
    make: Callable[..., Response] = message_type
    return make(**values)
