"""A file system in a local directory, in place of HDFS.

HDFS's own behaviour is tested on HDFS; these tests are about the packer's use of it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from hadoop_client.hdfs.filesystem import FileStatus


class LocalFileSystem:
    """A `FileSystem` whose root is a local directory.

    `calls` lists all changes in order. `before[operation]` is called before an operation, to
    make it fail or to change something first. `owners` has the paths of other users.
    """

    user = "packer"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[tuple[str, ...]] = []
        self.before: dict[str, Callable[[str], None]] = {}
        self.owners: dict[str, str] = {}

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _changes(self, operation: str, *paths: str) -> None:
        self.calls.append((operation, *paths))
        self.before.get(operation, lambda _path: None)(paths[0])

    def stat(self, path: str) -> FileStatus:
        found = self.at(path).stat()
        is_dir = stat.S_ISDIR(found.st_mode)
        size = 0 if is_dir else found.st_size
        mode = stat.S_IMODE(found.st_mode)
        modified = found.st_mtime_ns // 1_000_000
        owner = self.owners.get(path, self.user)
        return FileStatus(path, is_dir, size, modified, mode, owner, "packers")

    def exists(self, path: str) -> bool:
        return self.at(path).exists()

    def list_dir(self, path: str) -> list[FileStatus]:
        return [self.stat(f"{path}/{entry.name}") for entry in sorted(self.at(path).iterdir())]

    def mkdirs(self, path: str, mode: int = 0o755) -> None:
        self._changes("mkdirs", path)
        self.at(path).mkdir(mode, parents=True, exist_ok=True)

    def open_read(self, path: str):
        self.before.get("read", lambda _path: None)(path)
        return self.at(path).open("rb")

    def open_write(self, path: str, mode: int = 0o644):
        self._changes("write", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        return os.fdopen(os.open(self.at(path), flags, mode), "wb", buffering=0)

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        self._changes("rename", source, target)
        if self.at(target).exists() and not overwrite:
            raise FileExistsError(errno.EEXIST, "there is a file of that name", target)
        self.at(source).replace(self.at(target))

    def delete(self, path: str, *, recursive: bool = False) -> None:
        self._changes("delete", path)
        self.at(path).unlink()

    def set_permission(self, path: str, mode: int) -> None:
        self._changes("chmod", path)
        self.at(path).chmod(mode)

    def set_replication(self, path: str, copies: int) -> None:
        self._changes("replicate", path)

    def files(self) -> list[str]:
        """Return the HDFS paths of all files."""
        found = [file for file in self.root.rglob("*") if not file.is_dir()]
        return sorted("/" + file.relative_to(self.root).as_posix() for file in found)
