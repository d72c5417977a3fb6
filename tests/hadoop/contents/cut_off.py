"""A contents manager whose HDFS goes away in the middle of a large file."""

from __future__ import annotations

from typing import Any

from hdfs_contents import HDFSContentsManager

#: How much of a file can be read.
READABLE = 4 * 1024 * 1024


class CutOffManager(HDFSContentsManager):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        open_read = self.store.fs.open_read
        self.store.fs.open_read = lambda path: _CutOff(open_read(path))  # type: ignore[method-assign]


class _CutOff:
    def __init__(self, file: Any) -> None:
        self._file = file
        self._read = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int) -> bytes:
        self._read += size
        if self._read > READABLE:
            raise ConnectionError("the DataNode went away")
        return self._file.read(size)
