"""Reads ahead in files that programs read in order.

The kernel asks for 128 KiB at a time, and each request to a DataNode takes a millisecond whatever
its size is. So a file that is read in order is fetched in chunks, the next one before it is needed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

from hadoop_client.hdfs.interface import Reader

#: The size of a chunk, and how many are kept for all files together.
CHUNK = 2 * 1024 * 1024
_MAX_CHUNKS = 4

#: How many requests in order show that a file is read in order, and how far apart they may be:
#: the kernel sends several at the same time.
_IN_ORDER = 3
_NEAR = 512 * 1024


class ReadAhead:
    """The chunks of all files. Thread-safe."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="read-ahead")
        self._chunks: OrderedDict[tuple[int, int], Future[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def chunk(self, reader: Reader, number: int) -> Future[bytes]:
        """Return a chunk of a file, which is fetched if it is not there."""
        key = (id(reader), number)
        with self._lock:
            chunk = self._chunks.get(key)
            if chunk is None or (chunk.done() and chunk.exception()):
                chunk = self._threads.submit(reader.read_at, number * CHUNK, CHUNK)
                self._chunks[key] = chunk
            self._chunks.move_to_end(key)
            while len(self._chunks) > _MAX_CHUNKS:
                self._chunks.popitem(last=False)
        return chunk

    def forget(self, reader: Reader) -> None:
        """Forget the chunks of a file that is closed."""
        with self._lock:
            for key in [key for key in self._chunks if key[0] == id(reader)]:
                del self._chunks[key]


class AheadReader:
    """Reads one open file. Thread-safe."""

    def __init__(self, reader: Reader, ahead: ReadAhead) -> None:
        self._reader = reader
        self._ahead = ahead
        self._size = reader.size
        self._expected = 0
        self._in_order = 0

    def read_at(self, offset: int, size: int) -> bytes | memoryview:
        """Return the bytes from `offset` to `offset + size`, or to the end."""
        near = abs(offset - self._expected) <= _NEAR
        self._in_order = self._in_order + 1 if near else 0
        self._expected = offset + size
        number, start = divmod(offset, CHUNK)
        end = min(start + size, self._size - number * CHUNK)
        if self._in_order < _IN_ORDER or end > CHUNK or end <= start:
            return self._reader.read_at(offset, size)
        chunk = self._ahead.chunk(self._reader, number)
        if (number + 1) * CHUNK < self._size:
            self._ahead.chunk(self._reader, number + 1)
        return memoryview(chunk.result())[start:end]

    def close(self) -> None:
        self._ahead.forget(self._reader)
        self._reader.close()
