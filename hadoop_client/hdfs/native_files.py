"""Calls of hdfs-native within a deadline, and its open files."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import ParamSpec, Protocol, TypeVar

from hadoop_client.hdfs.deadline import Deadline
from hadoop_client.hdfs.errors import to_os_error

P = ParamSpec("P")
T = TypeVar("T")

#: One call moves at most this many bytes, so that the deadline holds for files of any size.
_CHUNK = 4 * 1024 * 1024


class Calls:
    """Calls the client within the deadline, and translates its errors."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __call__(self, path: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._deadline.run(function, *args, **kwargs)
        except Exception as error:
            raise to_os_error(error, path) from error


class ReadableFile(Protocol):
    """A client library's file, open for reading."""

    def __len__(self) -> int: ...

    def read_range(self, offset: int, len: int, /) -> bytes: ...

    def read_range_stream(self, offset: int, len: int, /) -> Iterator[bytes]: ...


def _take(packets: Iterator[bytes], size: int) -> list[bytes]:
    """Return the next packets, together of at least `size` bytes unless they end before."""
    taken: list[bytes] = []
    length = 0
    while length < size and (packet := next(packets, b"")):
        taken.append(packet)
        length += len(packet)
    return taken


class WritableFile(Protocol):
    """A client library's file, open for writing."""

    def write(self, buf: bytes, /) -> object: ...

    def hsync(self) -> None: ...

    def close(self) -> None: ...


class NativeReader:
    """See `hadoop_client.hdfs.interface.Reader`."""

    def __init__(self, calls: Calls, path: str, file: ReadableFile) -> None:
        self._calls = calls
        self._path = path
        self._file = file
        self._offset = 0

    @property
    def size(self) -> int:
        return len(self._file)

    def seek(self, offset: int) -> None:
        self._offset = offset

    def read(self, size: int = -1) -> bytes:
        data = self.read_at(self._offset, self.size if size < 0 else size)
        self._offset += len(data)
        return data

    def read_at(self, offset: int, size: int) -> bytes:
        # hdfs-native panics when asked for bytes past the end.
        end = min(offset + size, self.size)
        chunks = [
            self._calls(self._path, self._file.read_range, start, min(_CHUNK, end - start))
            for start in range(offset, end, _CHUNK)
        ]
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def stream(self, offset: int, size: int) -> Iterator[list[bytes]]:
        end = self.size
        # One request to a DataNode for a whole block: twice as fast as one for each `size`.
        packets = self._calls(self._path, self._file.read_range_stream, offset, end - offset)
        while offset < end:
            taken = self._calls(self._path, _take, packets, size)
            if not taken:
                raise OSError(errno.EIO, "HDFS returned less than the file's size", self._path)
            offset += sum(map(len, taken))
            yield taken

    def close(self) -> None:
        """Do nothing: no connection stays open between two reads."""

    def __enter__(self) -> NativeReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NativeWriter:
    """See `hadoop_client.hdfs.interface.Writer`."""

    def __init__(self, calls: Calls, path: str, file: WritableFile) -> None:
        self._calls = calls
        self._path = path
        self._file = file

    def write(self, data: bytes) -> int:
        for start in range(0, len(data), _CHUNK):
            # hdfs-native copies any other type than bytes item by item.
            self._calls(self._path, self._file.write, bytes(data[start : start + _CHUNK]))
        return len(data)

    def sync(self) -> None:
        self._calls(self._path, self._file.hsync)

    def close(self) -> None:
        self._calls(self._path, self._file.close)

    def __enter__(self) -> NativeWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
