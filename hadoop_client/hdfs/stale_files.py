"""Deletes what writes have left behind that were cut off: by a server that was killed, or by a
NameNode that went away."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_unfinished

#: No write takes as long without a sign of life, however far a clock is off.
ABANDONED_MS = 24 * 3600 * 1000


def delete_stale_files(
    fs: FileSystem, entries: Iterable[FileStatus], abandoned_ms: int = ABANDONED_MS
) -> None:
    """Delete those entries of a directory that are this person's unfinished writes and that have
    not changed for `abandoned_ms`. What can't be deleted stays until another time."""
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
