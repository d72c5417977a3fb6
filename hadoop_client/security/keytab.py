"""What a keytab says of its keys: whose they are, without asking a KDC.

Source: MIT's "Keytab file format", version 2, which all of Kerberos writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from hadoop_client.configuration import ConfigurationError

MAGIC = b"\x05\x02"


def principals(keytab: str | Path) -> list[str]:
    """Return whose keys a keytab holds, in its order; raises `ConfigurationError`."""
    try:
        data = Path(keytab).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            f"The keytab {keytab} can't be read ({reason}): correct c.YarnSpawner.keytab, or give "
            "the file to the hub's account."
        ) from error
    try:
        found = list(dict.fromkeys(_principals(data)))
    except (struct.error, UnicodeDecodeError):
        found = []
    if not found:
        raise ConfigurationError(f"{keytab} is no keytab, or holds no key: export it anew.")
    return found


def _principals(data: bytes) -> Iterator[str]:
    position = len(MAGIC) if data.startswith(MAGIC) else len(data)
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        if size > 0:  # else a key was removed here
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
