"""A file system in which something happens in the middle of an operation."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from hadoop_client.hdfs.filesystem import FileSystem, Writer

#: The calls of operations that have another name.
_PARTS = {"replace": ("rename",)}


class InterruptedFileSystem:
    """Calls `happens` before or after each call of one operation. `replace` is a rename that
    overwrites. `happens` may raise, or end the process."""

    def __init__(
        self, fs: FileSystem, operation: str, happens: Callable[[], object], *, after: bool
    ) -> None:
        self._fs = fs
        self._operation = operation
        self._happens = happens
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return self.wrap(name, getattr(self._fs, name))

    def wrap(self, name: str, function: Any) -> Any:
        if name == "open_write":
            return lambda *args, **more: InterruptedWriter(self, function(*args, **more))
        if name not in (self._operation, *_PARTS.get(self._operation, ())):
            return function

        def interrupted(*args: Any, **more: Any) -> Any:
            if self._operation == "replace" and not more.get("overwrite"):
                return function(*args, **more)
            if not self._after:
                self._happens()
            done = function(*args, **more)
            if self._after:
                self._happens()
            return done

        return interrupted


class InterruptedWriter:
    def __init__(self, fs: InterruptedFileSystem, file: Writer) -> None:
        self._file = file
        self.write = fs.wrap("write", file.write)
        self.close = fs.wrap("close", file.close)

    def sync(self) -> None:
        self._file.sync()

    def __enter__(self) -> InterruptedWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: Any) -> None:
        if kind is None:
            self.close()
        else:
            self._file.__exit__(kind, *more)


def failing(fs: FileSystem, operation: str, *, after: bool) -> InterruptedFileSystem:
    """Return a file system in which one operation fails."""

    def fail() -> None:
        raise OSError(errno.EIO, f"{operation} failed")

    return InterruptedFileSystem(fs, operation, fail, after=after)
