"""A local directory as a `FileSystem`: the container's scratch directory, shown beside HDFS.

It has files, directories, and links to them that do not lead outside. Anything else that a kernel
may create there is hidden, because opening a pipe, for example, would block for ever.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hadoop_client.hdfs.interface import FileStatus, FileSystem, Usage


class LocalFileSystem(FileSystem):
    """See `hadoop_client.hdfs.interface.FileSystem`.

    `mount` is the path of `directory`; all paths are below it. `user` is the owner of files of this
    process, whose account on this machine may have another name.
    """

    def __init__(self, mount: str, directory: Path, user: str) -> None:
        self._mount = mount
        self._directory = directory.resolve()
        self._user = user

    @property
    def user(self) -> str:
        return self._user

    def stat(self, path: str) -> FileStatus:
        with _errors(path):
            return self._status(path, self._checked(self._local(path)))

    def list_dir(self, path: str) -> list[FileStatus]:
        self.stat(path)
        with _errors(path):
            names = sorted(entry.name for entry in self._local(path).iterdir())
        entries = []
        for name in names:
            with suppress(OSError):  # a hidden entry, a broken link, or deleted just now
                entries.append(self.stat(f"{path}/{name}"))
        return entries

    def mkdirs(self, path: str, mode: int | None = None, *, umask: int = 0) -> None:
        mode = (0o777 if mode is None else mode) & ~umask  # and the process's own umask
        with _errors(path):
            self._local(path).mkdir(mode, parents=True, exist_ok=True)

    def check_write(self, path: str) -> None:
        if not os.access(self._local(path), os.W_OK):
            self.stat(path)
            raise PermissionError(errno.EACCES, "it is not writable", path)

    def open_read(self, path: str) -> LocalFile:
        self.stat(path)
        with _errors(path):
            return LocalFile(path, self._local(path).open("rb"))

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> LocalFile:
        mode = (0o666 if mode is None else mode) & ~umask  # and the process's own umask
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with _errors(path):
            return LocalFile(path, os.fdopen(os.open(self._local(path), flags, mode), "wb"))

    def open_append(self, path: str) -> LocalFile:
        self.stat(path)
        with _errors(path):
            return LocalFile(path, self._local(path).open("ab"))

    def recover(self, path: str) -> None:
        """Do nothing: a file stays readable."""

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        self.stat(source)
        old, new = self._local(source), self._local(target)
        with _errors(target):
            if overwrite:
                old.replace(new)
            elif old.is_dir() and not old.is_symlink():
                new.mkdir()  # fails if the name exists; the directory then replaces the empty one
                try:
                    old.replace(new)
                except OSError:
                    new.rmdir()
                    raise
            else:
                os.link(old, new, follow_symlinks=False)  # fails if the name exists
                old.unlink()

    def delete(self, path: str, *, recursive: bool = False) -> None:
        local = self._local(path)
        with _errors(path):
            if local.is_dir() and not local.is_symlink():
                shutil.rmtree(local) if recursive else local.rmdir()
            else:
                local.unlink()

    def trash(self, path: str) -> None:
        """Return None: there is no trash."""
        self.stat(path)

    def usage(self, path: str) -> Usage:
        sizes = [file.size for file in self._files(path)]
        with _errors(path):
            free = shutil.disk_usage(self._local(path)).free
        return Usage(len(sizes), sum(sizes), names_left=None, bytes_left=free)

    def _files(self, path: str) -> Iterator[FileStatus]:
        """Yield the files of a directory tree."""
        for entry in self.list_dir(path):
            if entry.is_dir:
                yield from self._files(entry.path)
            else:
                yield entry

    def set_permission(self, path: str, mode: int) -> None:
        with _errors(path):
            self._local(path).chmod(mode)

    def set_times(
        self, path: str, *, modified_ms: int | None = None, accessed_ms: int | None = None
    ) -> None:
        with _errors(path):
            status = self._local(path).stat()
            os.utime(
                self._local(path),
                ns=(
                    status.st_atime_ns if accessed_ms is None else accessed_ms * 1_000_000,
                    status.st_mtime_ns if modified_ms is None else modified_ms * 1_000_000,
                ),
            )

    def set_owner(self, path: str, *, owner: str | None = None, group: str | None = None) -> None:
        """Raise PermissionError for a change: names in HDFS are not those of this machine."""
        status = self.stat(path)
        if (owner or status.owner, group or status.group) != (status.owner, status.group):
            raise PermissionError(errno.EPERM, "a local file keeps its owner and group", path)

    def set_replication(self, path: str, copies: int) -> None:
        """Do nothing: a local file has one replica."""
        self.stat(path)

    def copy_access(self, source: str, target: str, *, replaces: bool = False) -> FileStatus:
        self.set_permission(target, self.stat(source).mode)
        return self.stat(target)

    def _local(self, path: str) -> Path:
        return self._directory / path.removeprefix(self._mount).lstrip("/")

    def _checked(self, local: Path) -> os.stat_result:
        """Return the status of a file or directory; FileNotFoundError for a hidden entry."""
        status = local.stat()
        is_dir = stat.S_ISDIR(status.st_mode)
        if (
            not (is_dir or stat.S_ISREG(status.st_mode))
            or not local.resolve().is_relative_to(self._directory)
            # A link to a directory, reached through another link, may lead back to the first.
            or (is_dir and local.is_symlink() and local.parent != local.parent.resolve())
        ):
            raise FileNotFoundError(errno.ENOENT, "it is not a file or directory in here")
        return status

    def _status(self, path: str, status: os.stat_result) -> FileStatus:
        is_dir = stat.S_ISDIR(status.st_mode)
        return FileStatus(
            path=path,
            is_dir=is_dir,
            size=0 if is_dir else status.st_size,
            modified_ms=status.st_mtime_ns // 1_000_000,
            mode=stat.S_IMODE(status.st_mode),
            owner=self._user if status.st_uid == os.geteuid() else str(status.st_uid),
            group=str(status.st_gid),
        )


class LocalFile:
    """See `hadoop_client.hdfs.interface.Reader` and `Writer`."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def seek(self, offset: int) -> None:
        self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        with _errors(self._path):
            return self._file.read(size)

    def read_at(self, offset: int, size: int) -> bytes:
        with _errors(self._path):
            return os.pread(self._file.fileno(), size, offset)

    def stream(self, offset: int, size: int) -> Iterator[list[bytes]]:
        while data := self.read_at(offset, size):
            offset += len(data)
            yield [data]

    def write(self, data: bytes) -> int:
        with _errors(self._path):
            return self._file.write(data)

    def sync(self) -> None:
        with _errors(self._path):
            self._file.flush()

    def close(self) -> None:
        with _errors(self._path):
            self._file.close()

    def __enter__(self) -> LocalFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _errors(path: str) -> Iterator[None]:
    """Raise errors with `path` instead of the local path."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO).lower()
        raise OSError(error.errno or errno.EIO, reason, path) from error
