"""Reads the principals in a keytab, without asking a KDC.

Source: MIT's "Keytab file format", version 2, which all Kerberos implementations write.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from hadoop_client.configuration import ConfigurationError

MAGIC = b"\x05\x02"


def principals(keytab: str | Path) -> list[str]:
    """Return the principals of a keytab, in its order.

    Raises `ConfigurationError` if the file cannot be read, is not a keytab, or contains no key.
    """
    try:
        data = Path(keytab).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            f"The keytab {keytab} cannot be read ({reason}). Correct c.YarnSpawner.keytab, or give "
            "the hub's account access to the file."
        ) from error
    try:
        names = list(dict.fromkeys(_principals(data)))
    except (struct.error, UnicodeDecodeError):
        names = []
    if not names:
        raise ConfigurationError(f"{keytab} is not a keytab or contains no key. Export it again.")
    return names


def _principals(data: bytes) -> Iterator[str]:
    position = len(MAGIC) if data.startswith(MAGIC) else len(data)
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        if size > 0:  # otherwise the space of a removed key
            yield _principal(data[position : position + size])
        position += abs(size)


def _principal(entry: bytes) -> str:
    (count,) = struct.unpack_from(">H", entry)
    position, texts = 2, []
    for _ in range(count + 1):
        (size,) = struct.unpack_from(">H", entry, position)
        texts.append(entry[position + 2 : position + 2 + size].decode())
        position += 2 + size
    realm, *names = texts
    return f"{'/'.join(names)}@{realm}"
