"""HDFS with local directories mounted in it, as one `FileSystem`.

Each call goes to the file system of its path. A rename from one to another is an OSError, EXDEV:
copy instead. A mounted directory cannot itself be moved or deleted.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping

from hadoop_client.hdfs.interface import FileStatus, FileSystem, Reader, Usage, Writer
from hadoop_client.hdfs.paths import parent


class CombinedFileSystem:
    """See `hadoop_client.hdfs.interface.FileSystem`. `mounts` are other file systems by their paths
    in `base`."""

    def __init__(self, base: FileSystem, mounts: Mapping[str, FileSystem]) -> None:
        self._base = base
        self._mounts = mounts

    def _at(self, path: str) -> FileSystem:
        for mount, fs in self._mounts.items():
            if path == mount or path.startswith(f"{mount}/"):
                return fs
        return self._base

    def _at_entry(self, path: str) -> FileSystem:
        if path in self._mounts:
            raise PermissionError(
                errno.EPERM, "it is a local directory, which cannot be moved or deleted", path
            )
        return self._at(path)

    @property
    def user(self) -> str:
        return self._base.user

    def stat(self, path: str) -> FileStatus:
        return self._at(path).stat(path)

    def exists(self, path: str) -> bool:
        return self._at(path).exists(path)

    def list_dir(self, path: str) -> list[FileStatus]:
        entries = {entry.path: entry for entry in self._at(path).list_dir(path)}
        # If a kernel has deleted a mounted directory, the others are still listed.
        mounted = {
            mount: fs.stat(mount)
            for mount, fs in self._mounts.items()
            if parent(mount) == path and fs.exists(mount)
        }
        return [entry for _, entry in sorted((entries | mounted).items())]

    def mkdirs(self, path: str, mode: int | None = None, *, umask: int = 0) -> None:
        self._at(path).mkdirs(path, mode, umask=umask)

    def check_write(self, path: str) -> None:
        self._at(path).check_write(path)

    def is_being_written(self, path: str) -> bool:
        return self._at(path).is_being_written(path)

    def open_read(self, path: str) -> Reader:
        return self._at(path).open_read(path)

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> Writer:
        return self._at(path).open_write(path, mode, umask=umask)

    def open_append(self, path: str) -> Writer:
        return self._at(path).open_append(path)

    def recover(self, path: str) -> None:
        self._at(path).recover(path)

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        fs = self._at_entry(source)
        if fs is not self._at_entry(target):
            raise OSError(errno.EXDEV, "it is on another file system", source, None, target)
        fs.rename(source, target, overwrite=overwrite)

    def delete(self, path: str, *, recursive: bool = False) -> None:
        self._at_entry(path).delete(path, recursive=recursive)

    def trash(self, path: str) -> str | None:
        return self._at_entry(path).trash(path)

    def usage(self, path: str) -> Usage:
        return self._at(path).usage(path)

    def set_permission(self, path: str, mode: int) -> None:
        self._at(path).set_permission(path, mode)

    def set_times(
        self, path: str, *, modified_ms: int | None = None, accessed_ms: int | None = None
    ) -> None:
        self._at(path).set_times(path, modified_ms=modified_ms, accessed_ms=accessed_ms)

    def set_owner(self, path: str, *, owner: str | None = None, group: str | None = None) -> None:
        self._at(path).set_owner(path, owner=owner, group=group)

    def set_replication(self, path: str, copies: int) -> None:
        self._at(path).set_replication(path, copies)

    def copy_access(self, source: str, target: str, *, replaces: bool = False) -> FileStatus:
        fs = self._at(target)
        if fs is self._at(source):
            return fs.copy_access(source, target, replaces=replaces)
        # HDFS's groups are not this machine's: group and others get only what both had.
        mode = self.stat(source).mode
        common = mode >> 3 & mode & 7
        fs.set_permission(target, mode & 0o1700 | common << 3 | common)
        return fs.stat(target)
