"""One small interface to HDFS; `hadoop_client.hdfs.filesystem` opens it.

What every implementation promises:

- Paths are absolute, `/`-separated and without a scheme: `/user/alice/a.ipynb`.
- Calls block, may be made from any thread, and end within a deadline. Where the cluster did not
  answer in time, they raise `TimeoutError`.
- What fails is an `OSError` with its `errno`, the path as `filename`, and one phrase for a person
  as `strerror`: `FileNotFoundError`, `FileExistsError`, `PermissionError`, `IsADirectoryError`,
  `NotADirectoryError`, `ConnectionError`, `TimeoutError`, or an `OSError` proper with ENOTEMPTY,
  EDQUOT (a quota), ENOSPC (no DataNode can take the data), EROFS (the NameNode is in safe mode),
  EBUSY (somebody else is writing the file), EINVAL or ENAMETOOLONG (a name that HDFS refuses),
  EXDEV (a rename into an encryption zone, or out of one), ENOKEY (a file in a zone whose key can't
  be had) or EIO (anything else). All of what the cluster said is its `__cause__`.
- The identity is the process's: HADOOP_USER_NAME, or a ticket or token under Kerberos. It belongs
  to the process and not to a client, because clients read it again whenever they connect again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

#: What one call may take. A small call takes milliseconds; a NameNode in a long garbage
#: collection or in a failover, some seconds.
CALL_TIMEOUT_SECONDS = 20.0

#: Who moves the content of files; see `open_filesystem`.
Kind = Literal["auto", "native", "libhdfs"]


class FileStatus(NamedTuple):
    """What the NameNode says of one path. `size` is 0 for a directory, `mode` has the permission
    bits (with the sticky bit) only, `modified_ms` counts milliseconds since 1970 in UTC.

    A tuple, because one is made for each of the many files in a directory.
    """

    path: str
    is_dir: bool
    size: int
    modified_ms: int
    mode: int
    owner: str
    group: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Usage:
    """What a directory holds with all below it, and what its own quota leaves: names (files and
    directories) and bytes on disk, all replicas counted. None where it has no such quota."""

    files: int
    size_bytes: int
    names_left: int | None
    bytes_left: int | None


class Reader(Protocol):
    """A file open for reading, as of the moment it was opened."""

    @property
    def size(self) -> int: ...

    def seek(self, offset: int) -> None:
        """Let the next read begin at `offset`, from 0 up to `size`."""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes from where the last read ended, or all that is left if
        negative; `b""` at the end."""

    def close(self) -> None: ...

    def __enter__(self) -> Reader: ...

    def __exit__(self, *_: object) -> None: ...


class Writer(Protocol):
    """A file open for writing. Others see its content only after `close` has returned.

    As a context manager it is closed when the block ends well. After an exception it is left
    as it is: what was written is no whole file, and the caller deletes it.
    """

    def write(self, data: bytes) -> int:
        """Take all of `data`, any number of times; return its length."""

    def close(self) -> None: ...

    def __enter__(self) -> Writer: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...


class FileSystem(Protocol):
    """HDFS, as far as this project needs it."""

    @property
    def user(self) -> str:
        """Who this process is to HDFS."""

    def stat(self, path: str) -> FileStatus: ...

    def exists(self, path: str) -> bool: ...

    def list_dir(self, path: str) -> list[FileStatus]:
        """Return what is directly in a directory, by name. NotADirectoryError for a file."""

    def mkdirs(self, path: str, mode: int | None = None) -> None:
        """Make a directory and the missing ones above it; nothing if it is there already.
        FileExistsError where a file has that path. Without a `mode` it is open to those to whom
        Hadoop's own client would open it: the default ACL of the directory above it names them,
        or else `fs.permissions.umask-mode` says whom not."""

    def check_write(self, path: str) -> None:
        """Raise PermissionError unless the NameNode lets this process write the file, or into the
        directory: by mode, ACL and superuser's rights. Changes nothing."""

    def open_read(self, path: str) -> Reader: ...

    def open_write(self, path: str, mode: int | None = None) -> Writer:
        """Create a file in a directory that exists; FileExistsError where one has that path. For
        `mode` see `mkdirs`."""

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        """Move a file or directory in one atomic step; the directory of `target` must exist.
        FileExistsError unless `overwrite`, which replaces a file, or an empty directory by a
        directory. The mode, owner and group of `source` come along."""

    def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file or directory; ENOTEMPTY for a directory that has something in it, unless
        `recursive`."""

    def trash(self, path: str) -> str | None:
        """Move a file or directory to the person's trash, and return where it is now. Return None
        where nothing was moved: the cluster has no trash (`fs.trash.interval` is 0), or `path` is
        in it already."""

    def usage(self, path: str) -> Usage:
        """Sum up a directory. The NameNode walks all that is in it."""

    def set_permission(self, path: str, mode: int) -> None: ...

    def set_replication(self, path: str, copies: int) -> None:
        """Say how many nodes are to have a copy of a file; the copies come in their own time."""

    def copy_access(self, source: str, target: str, *, replaces: bool = False) -> FileStatus:
        """Give a file or directory the mode, group and ACL of another, and return its status. Where
        it can't have that group, which takes a member, it gets no access that the other did not
        give. What `replaces` the other is still its owner's too, as far as the ACL can say it."""
