"""Deletes temporary files of interrupted writes: the server was killed, or the NameNode failed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_unfinished

#: No write pauses for so long, even with clocks that differ.
ABANDONED_MS = 24 * 3600 * 1000


def delete_stale_files(
    fs: FileSystem, entries: Iterable[FileStatus], abandoned_ms: int = ABANDONED_MS
) -> None:
    """Delete the entries that are this user's unfinished writes, unchanged for `abandoned_ms`.

    An entry that cannot be deleted stays.
    """
    now = time.time() * 1000
    for entry in entries:
        if (
            entry.path.endswith(".tmp")
            and is_unfinished(entry.name)
            and entry.owner == fs.user
            and now - entry.modified_ms > abandoned_ms
        ):
            with suppress(OSError):
                fs.delete(entry.path, recursive=True)
