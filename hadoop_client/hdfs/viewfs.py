"""Directories of a viewfs that exist only because of the mounts below them.

hdfs-native asks the NameNode of the fallback about them, which does not have them.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.paths import join
from hadoop_client.mounts import MountTable

#: How a NameNode answers about a path that it does not have, and about an impossible one.
_ABSENT = (errno.ENOENT, errno.EINVAL)


def stat(mounts: MountTable, path: str, own: Callable[[str], FileStatus]) -> FileStatus:
    """Return the status from `own`, or else that of a directory of mounts."""
    try:
        return own(path)
    except OSError as error:
        if error.errno in _ABSENT and mounts.children(path):
            return FileStatus(path.rstrip("/") or "/", True, 0, 0, 0o555, "", "")
        raise


def list_dir(
    mounts: MountTable,
    path: str,
    own: Callable[[str], list[FileStatus]],
    status: Callable[[str], FileStatus],
) -> list[FileStatus]:
    """Return the entries from `own`, and those that mounts make, which hide others."""
    mounted = [status(join(path, name)) for name in mounts.children(path)]
    try:
        entries = own(path)
    except OSError as error:
        if not mounted or error.errno not in _ABSENT:
            raise
        entries = []
    hidden = {entry.name for entry in mounted}
    return [*(entry for entry in entries if entry.name not in hidden), *mounted]
