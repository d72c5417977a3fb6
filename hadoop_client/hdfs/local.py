"""A folder of this machine as a `FileSystem`: the container's scratch, shown beside HDFS.

What is there are files and folders, and links to such as long as they lead to nowhere outside. All
else that a kernel may put there is not: who opened a pipe would wait for ever.
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

from hadoop_client.hdfs.interface import FileStatus, Usage


class LocalFileSystem:
    """See `hadoop_client.hdfs.filesystem.FileSystem`. All paths are below `at`, which is the
    folder;
    `user` is whom this process is for, whatever account it has on this machine."""

    def __init__(self, at: str, folder: Path, user: str) -> None:
        self._at = at
        self._folder = folder.resolve()
        self._user = user

    @property
    def user(self) -> str:
        return self._user

    def stat(self, path: str) -> FileStatus:
        with _errors(path):
            return self._status(path, self._found(self._local(path)))

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def list_dir(self, path: str) -> list[FileStatus]:
        self.stat(path)
        with _errors(path):
            names = sorted(each.name for each in self._local(path).iterdir())
        entries = []
        for name in names:
            with suppress(OSError):  # a link to nothing, or what is deleted at this moment
                entries.append(self.stat(f"{path}/{name}"))
        return entries

    def mkdirs(self, path: str, mode: int | None = None) -> None:
        with _errors(path):
            self._local(path).mkdir(0o777 if mode is None else mode, parents=True, exist_ok=True)

    def check_write(self, path: str) -> None:
        if not os.access(self._local(path), os.W_OK):
            self.stat(path)
            raise PermissionError(errno.EACCES, "it may not be written", path)

    def open_read(self, path: str) -> LocalFile:
        self.stat(path)
        with _errors(path):
            return LocalFile(path, self._local(path).open("rb"))

    def open_write(self, path: str, mode: int | None = None) -> LocalFile:
        mode = 0o666 if mode is None else mode  # less the process's umask
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with _errors(path):
            return LocalFile(path, os.fdopen(os.open(self._local(path), flags, mode), "wb"))

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        self.stat(source)
        old, new = self._local(source), self._local(target)
        with _errors(target):
            if overwrite:
                old.replace(new)
            elif old.is_dir() and not old.is_symlink():
                new.mkdir()  # fails if anything has the name; a directory replaces an empty one
                try:
                    old.replace(new)
                except OSError:
                    new.rmdir()
                    raise
            else:
                os.link(old, new, follow_symlinks=False)  # fails if anything has the name
                old.unlink()

    def delete(self, path: str, *, recursive: bool = False) -> None:
        local = self._local(path)
        with _errors(path):
            if local.is_dir() and not local.is_symlink():
                shutil.rmtree(local) if recursive else local.rmdir()
            else:
                local.unlink()

    def trash(self, path: str) -> None:
        """Return None: there is no trash here."""
        self.stat(path)

    def usage(self, path: str) -> Usage:
        sizes = [file.size for file in self._files(path)]
        with _errors(path):
            free = shutil.disk_usage(self._local(path)).free
        return Usage(len(sizes), sum(sizes), names_left=None, bytes_left=free)

    def _files(self, path: str) -> Iterator[FileStatus]:
        """Find the files below a folder: those that who copies it finds too."""
        for entry in self.list_dir(path):
            if entry.is_dir:
                yield from self._files(entry.path)
            else:
                yield entry

    def set_permission(self, path: str, mode: int) -> None:
        with _errors(path):
            self._local(path).chmod(mode)

    def set_replication(self, path: str, copies: int) -> None:
        """Do nothing: there is one disk."""
        self.stat(path)

    def copy_access(self, source: str, target: str, *, replaces: bool = False) -> FileStatus:
        self.set_permission(target, self.stat(source).mode)
        return self.stat(target)

    def _local(self, path: str) -> Path:
        return self._folder / path.removeprefix(self._at).lstrip("/")

    def _found(self, local: Path) -> os.stat_result:
        """Look at a file or folder; FileNotFoundError for all else that may be there."""
        found = local.stat()
        is_dir = stat.S_ISDIR(found.st_mode)
        if (
            not (is_dir or stat.S_ISREG(found.st_mode))
            or not local.resolve().is_relative_to(self._folder)
            # One link to a folder behind another may be the way back to the first.
            or (is_dir and local.is_symlink() and local.parent != local.parent.resolve())
        ):
            raise FileNotFoundError(errno.ENOENT, "it is no file and no folder of this one")
        return found

    def _status(self, path: str, found: os.stat_result) -> FileStatus:
        is_dir = stat.S_ISDIR(found.st_mode)
        return FileStatus(
            path=path,
            is_dir=is_dir,
            size=0 if is_dir else found.st_size,
            modified_ms=found.st_mtime_ns // 1_000_000,
            mode=stat.S_IMODE(found.st_mode),
            owner=self._user if found.st_uid == os.geteuid() else str(found.st_uid),
            group=str(found.st_gid),
        )


class LocalFile:
    """See `hadoop_client.hdfs.filesystem.Reader` and `Writer`."""

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

    def write(self, data: bytes) -> int:
        with _errors(self._path):
            return self._file.write(data)

    def close(self) -> None:
        with _errors(self._path):
            self._file.close()

    def __enter__(self) -> LocalFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _errors(path: str) -> Iterator[None]:
    """Say what fails of the path as it is here, not as the machine calls it."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO).lower()
        raise OSError(error.errno or errno.EIO, reason, path) from error
