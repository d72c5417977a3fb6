"""What programs see of a file in HDFS: its attributes, and what they may do with it. Pure."""

from __future__ import annotations

import os
import stat

from hadoop_client.hdfs.interface import FileStatus, Usage
from hdfs_contents.mount.links import LinkStatus
from hdfs_contents.mount.protocol import Attributes, Space

#: What is shown without a quota: no limit.
_NO_LIMIT_BYTES = 1 << 50
_NO_LIMIT_NAMES = 1 << 30


#: A user that no namespace of a mount knows.
_UNKNOWN_UID = (1 << 32) - 2

#: What git and Mercurial look at the owner of, before they run programs that a repository names.
_REPOSITORY_NAMES = frozenset({".git", "hgrc", "hgrc-not-shared"})


def file_type(status: FileStatus) -> int:
    """Return the type, as in a mode."""
    if isinstance(status, LinkStatus):
        return stat.S_IFLNK
    return stat.S_IFDIR if status.is_dir else stat.S_IFREG


def attributes(status: FileStatus, user: str, inode: int, uid: int, gid: int) -> Attributes:
    """Return the attributes of a file for the HDFS user `user`.

    Its owner is the process's own user and group, not those in HDFS: the kernel permits no write to
    a file whose owner the namespace does not know. HDFS decides who may write.

    The exceptions are the files of another user by which programs decide whether a repository can
    be trusted. They can be read, but not written.
    """
    if status.owner != user and status.name in _REPOSITORY_NAMES:
        uid = _UNKNOWN_UID
    return Attributes(
        inode=inode,
        size=status.size,
        modified_ns=status.modified_ms * 1_000_000,
        mode=file_type(status) | status.mode & 0o1777,
        uid=uid,
        gid=gid,
        links=2 if status.is_dir else 1,
    )


def may_access(status: FileStatus, user: str, mask: int) -> bool:
    """Return whether the mode allows access. Nothing here knows the user's groups in HDFS, or an
    ACL, so a permission of any group counts. For the rest the NameNode has to be asked."""
    bits = status.mode >> 6 if status.owner == user else status.mode >> 3 | status.mode
    return not mask & ~bits & (os.R_OK | os.W_OK | os.X_OK)


def space(usage: Usage | None, replication: int) -> Space:
    """Return the space of a directory with a quota, in bytes of content, for `df`."""
    used = usage.size_bytes if usage else 0
    free, names_free = _NO_LIMIT_BYTES, _NO_LIMIT_NAMES
    if usage and usage.bytes_left is not None:
        free = usage.bytes_left // replication
    if usage and usage.names_left is not None:
        names_free = usage.names_left
    return Space(
        bytes_total=used + free,
        bytes_free=free,
        names_total=(usage.files if usage else 0) + names_free,
        names_free=names_free,
    )
