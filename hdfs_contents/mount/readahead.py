"""Reads ahead in files that programs read in order.

The kernel asks for 128 KiB at a time, and each request to a DataNode takes a millisecond whatever
its size is. So a file that is read in order is streamed by one request, a chunk ahead of the
program, and a small one is fetched as soon as it is opened.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress

from hadoop_client.hdfs.interface import Reader

#: How many bytes are fetched at once, which no request of the kernel exceeds, and how many are kept
#: behind them.
CHUNK = 1024 * 1024
_NEAR = 512 * 1024

#: How many files are streamed at the same time.
_MAX_STREAMS = 6

#: The size up to which a file is small.
_SMALL = 128 * 1024

#: How many bytes at its end show that a file was appended to, and not replaced.
_COMPARED = 64 * 1024

#: How many requests show that a file is read in order. They may be `_NEAR` apart: the kernel sends
#: several at the same time.
_IN_ORDER = 3


class ReadAhead:
    """The files that are streamed: those that were read last. Thread-safe."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="read-ahead")
        self._readers: OrderedDict[AheadReader, None] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, reader: Reader, offset: int) -> Stream:
        """Start to stream a file from an offset on."""
        return Stream(reader.stream(offset, CHUNK), offset, self._threads)

    def fetch(self, reader: Reader) -> Future[bytes]:
        """Start to fetch all of a small file."""
        return self._threads.submit(reader.read_at, 0, reader.size)

    def used(self, reader: AheadReader) -> None:
        """Note that a stream is used, and end that of the file that was not read for longest."""
        with self._lock:
            self._readers[reader] = None
            self._readers.move_to_end(reader)
            if len(self._readers) > _MAX_STREAMS:
                self._readers.popitem(last=False)[0].stop()

    def forget(self, reader: AheadReader) -> None:
        """Note that a file is closed."""
        with self._lock:
            self._readers.pop(reader, None)


class Stream:
    """The content of a file from an offset on: what was fetched last, and what is being fetched.

    Packets are kept as they came, because to join them would be to copy the whole file. Not
    thread-safe.
    """

    def __init__(self, fetched: Iterator[list[bytes]], offset: int, threads: Executor) -> None:
        self._fetched = fetched
        self._threads = threads
        self._packets: deque[bytes] = deque()
        #: The offsets of the first and after the last byte in the packets.
        self._start = self._end = offset
        self._fetch()

    def _fetch(self) -> None:
        self._next: Future[list[bytes]] = self._threads.submit(next, self._fetched, [])

    def is_near(self, offset: int) -> bool:
        """Return whether an offset is in what is kept or shortly after it."""
        return self._start <= offset <= self._end + _NEAR

    def read(self, offset: int, end: int) -> list[memoryview]:
        """Return the bytes of a range, which must be near and no larger than a chunk."""
        while self._end < end and (packets := self._next.result()):
            self._fetch()
            self._packets += packets
            self._end += sum(map(len, packets))
            while self._start + len(self._packets[0]) < min(offset, self._end - CHUNK - _NEAR):
                self._start += len(self._packets.popleft())
        parts, start = [], self._start
        for packet in self._packets:
            if start >= end:
                break
            stop = start + len(packet)
            if offset < stop:
                parts.append(memoryview(packet)[max(offset - start, 0) : end - start])
            start = stop
        return parts


class AheadReader:
    """Reads one open file. Thread-safe."""

    def __init__(self, reader: Reader, ahead: ReadAhead) -> None:
        self._reader = reader
        self._ahead = ahead
        #: The size of the file when it was opened.
        self.size = reader.size
        self._expected = 0
        self._in_order = 0
        self._stream: Stream | None = None
        self._all = ahead.fetch(reader) if 0 < self.size <= _SMALL else None
        self._lock = threading.Lock()

    def read_at(self, offset: int, size: int) -> Sequence[bytes | memoryview]:
        """Return the bytes from `offset` to `offset + size`, or to the end, in parts."""
        end = min(offset + size, self.size)
        # A fetch that has not begun would be slower than a request of its own.
        if self._all is not None and not self._all.cancel():
            with suppress(OSError):  # then another request reports it
                return [memoryview(self._all.result())[offset:end]]
        with self._lock:
            near = abs(offset - self._expected) <= _NEAR
            self._in_order = self._in_order + 1 if near else 0
            self._expected = end
            if self._in_order >= _IN_ORDER and offset < end <= offset + CHUNK:
                try:
                    return self._read_stream(offset, end)
                except OSError:  # another request finds another DataNode, or reports the failure
                    self.stop()
                    self._in_order = 0
        return [self._reader.read_at(offset, size)]

    def is_beginning_of(self, other: Reader) -> bool:
        """Return whether the content of another one begins with this, as far as the last bytes
        show."""
        start = max(self.size - _COMPARED, 0)
        length = self.size - start
        return other.size >= self.size and (
            other.read_at(start, length) == self._reader.read_at(start, length)
        )

    def _read_stream(self, offset: int, end: int) -> list[memoryview]:
        stream = self._stream
        if stream is None or not stream.is_near(offset):
            stream = self._stream = self._ahead.start(self._reader, offset)
        self._ahead.used(self)
        return stream.read(offset, end)

    def stop(self) -> None:
        """Give up what was read ahead."""
        self._stream = None

    def close(self) -> None:
        self._ahead.forget(self)
        self.stop()
        self._reader.close()
