"""The interface of HDFS; `hadoop_client.hdfs.filesystem.open_filesystem` returns it.

Every implementation guarantees:

- Paths are absolute, `/`-separated and without a scheme: `/user/alice/a.ipynb`.
- Calls block, are thread-safe, and end within a deadline. After it they raise `TimeoutError`.
- A failure is an `OSError` with its `errno`, the path as `filename`, and one phrase for a user as
  `strerror`. It is a `FileNotFoundError`, `FileExistsError`, `PermissionError`,
  `IsADirectoryError`, `NotADirectoryError`, `ConnectionError` or `TimeoutError`, or has one of
  these numbers: ENOTEMPTY, EDQUOT (a quota), ENOSPC (no DataNode can store the data), EROFS (the
  NameNode is in safe mode), EBUSY (another client is writing the file), EINVAL or ENAMETOOLONG (a
  name that HDFS does not allow), EXDEV (a rename into or out of an encryption zone), ENOKEY (no key
  for a file in an encryption zone), EIO (any other). The cluster's own error is its `__cause__`.
- The identity is that of the process: HADOOP_USER_NAME, or with Kerberos a ticket or token. It
  cannot be one per client, because clients read it again whenever they reconnect.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

#: The deadline of a call. A small one takes milliseconds, or some seconds during the NameNode's
#: garbage collection or failover.
CALL_TIMEOUT_SECONDS = 20.0

#: The library that reads and writes content; see `open_filesystem`.
Kind = Literal["auto", "native", "libhdfs"]


class FileStatus(NamedTuple):
    """The status of a file or directory.

    `size` is in bytes, 0 for a directory. `mode` has only the permission bits and the sticky bit.
    `modified_ms` is in milliseconds since 1970 in UTC.
    """

    # A tuple, because it is fast to make: a directory may have many thousands of files.

    path: str
    is_dir: bool
    size: int
    modified_ms: int
    mode: int
    owner: str
    group: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Usage:
    """The content of a directory tree, and the rest of its quota, None without one.

    `names_left` counts files and directories. `bytes_left` counts bytes on disk, with all replicas.
    """

    files: int
    size_bytes: int
    names_left: int | None
    bytes_left: int | None


class Reader(Protocol):
    """A file open for reading, with the content that it had when it was opened."""

    @property
    def size(self) -> int: ...

    def seek(self, offset: int) -> None:
        """Set the offset of the next read, from 0 to `size`."""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes from the current offset, all if negative, `b""` at the end."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return the bytes from `offset` to `offset + size`, or to the end. Thread-safe; the
        current offset stays."""

    def stream(self, offset: int, size: int) -> Iterator[list[bytes]]:
        """Yield the bytes from `offset` to the end as they arrive: lists of byte strings, each list
        of at least `size` bytes in all but for the last.

        This is the fastest way to read a large file in order. One thread at a time may use the
        iterator. The current offset stays.
        """

    def close(self) -> None: ...

    def __enter__(self) -> Reader: ...

    def __exit__(self, *_: object) -> None: ...


class Writer(Protocol):
    """A file open for writing. Its content is visible to others after `close` has returned.

    As a context manager it is closed if the block succeeds. After an exception it stays as it is,
    incomplete, and the caller deletes it.
    """

    def write(self, data: bytes) -> int:
        """Append all of `data`; return its length."""

    def sync(self) -> None:
        """Return when HDFS has all that was written. Before that, `write` and `close` may report
        that it has not."""

    def close(self) -> None: ...

    def __enter__(self) -> Writer: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...


class FileSystem(Protocol):
    """A file system. Implementations inherit `exists` and `is_being_written`."""

    @property
    def user(self) -> str:
        """The user of this process in HDFS."""

    def stat(self, path: str) -> FileStatus: ...

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def list_dir(self, path: str) -> list[FileStatus]:
        """Return the entries of a directory, sorted by name. NotADirectoryError for a file."""

    def mkdirs(self, path: str, mode: int | None = None, *, umask: int = 0) -> None:
        """Create a directory and its missing parents. Do nothing if it exists; FileExistsError if
        a file has that path.

        It gets the permissions in `mode`, less those in `umask` unless the parent has a default
        ACL. Without `mode` it gets those that Hadoop's own client gives: the umask is then
        `fs.permissions.umask-mode`.
        """

    def check_write(self, path: str) -> None:
        """Raise PermissionError if this process may not write the file, or into the directory. The
        NameNode decides, by mode, ACL and superuser. Changes nothing."""

    def is_being_written(self, path: str) -> bool:
        """Return whether a client has the file open for writing. False if that is unknown, and in
        file systems that do not keep it."""
        return False

    def open_read(self, path: str) -> Reader: ...

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> Writer:
        """Create a file in an existing directory; FileExistsError if the path exists. For `mode`
        and `umask` see `mkdirs`."""

    def open_append(self, path: str) -> Writer:
        """Open an existing file to append to it. Others may see a part of the data before the
        writer is closed. ENOTSUP if this file cannot be appended to."""

    def recover(self, path: str) -> None:
        """Have HDFS close a file that a writer of this process has left open. Its last block can be
        read once that is done, and its time is then the current one. That takes some seconds, but
        HDFS may leave it to a DataNode that has died: call it again then."""

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        """Rename a file or directory atomically; the parent of `target` must exist.

        FileExistsError if `target` exists, unless `overwrite`: that replaces a file by a file, or
        an empty directory by a directory. Mode, owner and group stay those of `source`.
        """

    def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file or directory; ENOTEMPTY for a directory with content, unless
        `recursive`."""

    def trash(self, path: str) -> str | None:
        """Move a file or directory to the user's trash, and return its new path. Return None if
        nothing was moved: the cluster has no trash (`fs.trash.interval` is 0), or `path` is already
        in it."""

    def usage(self, path: str) -> Usage:
        """Return the usage of a directory. The NameNode walks the whole tree."""

    def set_permission(self, path: str, mode: int) -> None: ...

    def set_times(
        self, path: str, *, modified_ms: int | None = None, accessed_ms: int | None = None
    ) -> None:
        """Set the times of a file or directory, in milliseconds since 1970; None keeps one."""

    def set_owner(self, path: str, *, owner: str | None = None, group: str | None = None) -> None:
        """Set the owner or the group; None keeps one. Only a superuser may set the owner, and only
        a member the group."""

    def set_replication(self, path: str, copies: int) -> None:
        """Set the number of replicas of a file. HDFS creates or deletes them later."""

    def copy_access(self, source: str, target: str, *, replaces: bool = False) -> FileStatus:
        """Give `target` the mode, group and ACL of `source`, and return its status.

        Only a member can set a group. If `target` keeps another group, its access is never wider
        than that of `source`. If it `replaces` the source, the source's owner keeps their access
        through an ACL entry.
        """
