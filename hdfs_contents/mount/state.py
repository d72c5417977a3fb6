"""What outlives a killed daemon, in a memory file that the application master holds.

    0         a header: the number of the journal in use, and the bytes of its records
    4096      a slot for each thread, into which it reads a request
    JOURNALS  two journals, of which one is in use

A thread reads each request straight into its slot, marks it there when it is done, and clears the
slot once it has answered. So the requests that a killed daemon has left are in the slots. The
journal has records of open files and of names that the kernel knows. When it has grown, its live
records are written to the other journal, and that one is used.

The kernel may stop in the middle of a write when the process is killed, but not within a page. So
records count only once the header, which is small, says how many bytes they are.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from hdfs_contents.mount.protocol import REQUEST_SIZE

#: How many requests are worked on at the same time.
SLOTS = 72

_SLOTS_AT = 4096
_JOURNALS_AT = _SLOTS_AT + SLOTS * REQUEST_SIZE
_JOURNAL_SPAN = 1 << 32

#: A journal of this size is compacted, unless its live records are nearly as many bytes.
_COMPACT_BYTES = 1024 * 1024

_HEADER = struct.Struct("<QQ")
_LENGTH = struct.Struct("<I")

#: The padding in a request's header, which the kernel leaves zero.
_DONE, _DONE_AT = struct.Struct("<H"), 38
_RECORD = struct.Struct("<IBQ")


class Record(NamedTuple):
    """A change of the thing of a `kind` (one byte) with a number."""

    kind: int
    key: int
    value: bytes


class Slots:
    """The buffers that requests are read into."""

    def __init__(self, file: int) -> None:
        size = os.fstat(file).st_size
        if size < _JOURNALS_AT:
            os.ftruncate(file, _JOURNALS_AT)
        self._map = mmap.mmap(file, SLOTS * REQUEST_SIZE, offset=_SLOTS_AT)
        view = memoryview(self._map)
        self._slots = [
            view[number * REQUEST_SIZE : (number + 1) * REQUEST_SIZE] for number in range(SLOTS)
        ]

    def __getitem__(self, number: int) -> memoryview:
        return self._slots[number]

    def set_done(self, number: int) -> None:
        """Note that the request in a slot is done, and is being answered."""
        _DONE.pack_into(self._slots[number], _DONE_AT, 1)

    def is_done(self, number: int) -> bool:
        """Return whether the request may have been answered."""
        return _DONE.unpack_from(self._slots[number], _DONE_AT)[0] != 0

    def clear(self, number: int) -> None:
        """Note that the request in a slot was answered."""
        _LENGTH.pack_into(self._slots[number], 0, 0)

    def take_memory(self, number: int) -> None:
        """Have the memory of a slot before a request is read into it.

        If the process is killed while the kernel waits for memory to copy a request into, the
        request fails, and the changes of a program or of its mapped memory are lost.
        """
        pages = self._slots[number][:: mmap.PAGESIZE]
        pages[:] = pages.tobytes()

    def free_memory(self, number: int) -> None:
        """Give up the memory of a slot that is clear and that no thread uses."""
        self._map.madvise(mmap.MADV_REMOVE, number * REQUEST_SIZE, REQUEST_SIZE)

    def unanswered(self) -> Iterator[int]:
        """Yield the numbers of the slots with a request that was not answered."""
        for number, slot in enumerate(self._slots):
            if _LENGTH.unpack_from(slot)[0]:
                yield number


class Journal:
    """An append-only log of records. Not thread-safe."""

    def __init__(self, file: int) -> None:
        self._file = file
        header = os.pread(file, _HEADER.size, 0) or bytes(_HEADER.size)
        self._number, size = _HEADER.unpack(header)
        self._start = _JOURNALS_AT + self._number * _JOURNAL_SPAN
        self._end = self._start + size
        self._compact_at = _COMPACT_BYTES
        #: Returns records that restore all that is alive now. Set it before the first `append`.
        self.live: Callable[[], Iterable[Record]] = list

    def replay(self) -> list[Record]:
        """Return all records in their order."""
        data = os.pread(self._file, self._end - self._start, self._start)
        records = []
        offset = 0
        while offset < len(data):
            length, kind, key = _RECORD.unpack_from(data, offset)
            records.append(Record(kind, key, data[offset + _RECORD.size : offset + length]))
            offset += length
        return records

    def append(self, *records: Record) -> None:
        """Write records, and compact the journal when it has grown."""
        self._write(records)
        if self._end - self._start > self._compact_at:
            self.compact()

    def compact(self) -> None:
        """Write what is alive to the other journal, and use that."""
        records = list(self.live())
        self._number = 1 - self._number
        self._end = self._start = _JOURNALS_AT + self._number * _JOURNAL_SPAN
        self._write(records)
        self._compact_at = max(_COMPACT_BYTES, 2 * (self._end - self._start))

    def _write(self, records: Iterable[Record]) -> None:
        data = b"".join(
            _RECORD.pack(_RECORD.size + len(value), kind, key) + value
            for kind, key, value in records
        )
        written = 0
        while written < len(data):
            written += os.pwrite(self._file, data[written:], self._end + written)
        self._end += len(data)
        os.pwrite(self._file, _HEADER.pack(self._number, self._end - self._start), 0)
