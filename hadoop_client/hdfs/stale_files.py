"""Deletes temporary files of interrupted writes: the server was killed, or the NameNode failed.

A name proves nothing: a user who may write into a directory can rename any entry in it, also a
directory of another user that they cannot delete. Therefore:

- Files and empty directories are deleted, never a directory with content.
- Nothing is deleted in a directory whose entries another user may rename.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_unfinished

#: No write pauses for so long, even with clocks that differ.
ABANDONED_MS = 24 * 3600 * 1000


#: The write bits of group and others, and the sticky bit.
_OTHERS_WRITE, _STICKY = 0o022, 0o1000


def delete_stale_files(
    fs: FileSystem,
    directory: FileStatus,
    entries: Iterable[FileStatus],
    abandoned_ms: int = ABANDONED_MS,
) -> None:
    """Delete the entries that are this user's unfinished writes, unchanged for `abandoned_ms`.

    `entries` are those of `directory`. An entry that cannot be deleted stays.
    """
    if not _is_own(directory, fs.user):
        return
    now = time.time() * 1000
    for entry in entries:
        if (
            entry.path.endswith(".tmp")
            and is_unfinished(entry.name)
            and entry.owner == fs.user
            and now - entry.modified_ms > abandoned_ms
        ):
            with suppress(OSError):
                fs.delete(entry.path)


def _is_own(directory: FileStatus, user: str) -> bool:
    """Return whether only `user` may rename this user's files in a directory."""
    # With an ACL, the group's bits are its mask: no entry gives more than they do.
    writable = directory.mode & _OTHERS_WRITE and not directory.mode & _STICKY
    return directory.owner == user and not writable
