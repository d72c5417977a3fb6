"""The changes to a file that are not in HDFS yet, in a sparse file on the local disk.

An overlay has the bytes that were written. All others are those of the version in HDFS, its base,
up to `base_size`; beyond that they are zeros. So a large file is neither fetched nor copied for a
change in it.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from hadoop_client.hdfs.interface import Reader
from hdfs_contents.mount.extents import Extents

_CHUNK = 4 * 1024 * 1024


class Budget:
    """The bytes of all overlays together, at most `limit`. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Take bytes, or give them back. Raises OSError, ENOSPC, if they are too many."""
        with self._lock:
            if size > 0 and self._used + size > self._limit:
                raise OSError(
                    errno.ENOSPC,
                    f"more than {self._limit:,} bytes of changes wait to be written to HDFS",
                )
            self._used += size


class Overlay:
    """See above. Not thread-safe. `open_base` opens the base, and is called when it is needed."""

    def __init__(
        self,
        local: Path,
        budget: Budget,
        open_base: Callable[[], Reader],
        base_size: int,
        *,
        size: int | None = None,
        written: Extents | None = None,
        dropped: int = 0,
    ) -> None:
        self.local = local
        self.base_size = base_size
        self.size = base_size if size is None else size
        self.written = written or Extents()
        #: The bytes before this one are in HDFS only, in a file that cannot be read yet.
        self.dropped = dropped
        self._budget = budget
        self._open_base = open_base
        self._base: Reader | None = None
        self._file = os.open(local, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._taken = 0
        self._account()

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes from `offset` to `offset + size`, or to the end."""
        end = min(offset + size, self.size)
        pieces = [self._piece(*piece) for piece in self.written.pieces(offset, end)]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, start: int, end: int, is_written: bool) -> bytes:
        if is_written:
            data = os.pread(self._file, end - start, start - self.dropped)
            if len(data) != end - start:
                raise OSError(errno.EIO, "the staging directory has lost bytes of the file")
            return data
        self._refuse_dropped(start)
        data = b""
        if start < self.base_size:
            data = self._read_base(start, min(end, self.base_size))
        return data + bytes(end - start - len(data))

    def _refuse_dropped(self, offset: int) -> None:
        if offset < self.dropped:
            raise OSError(
                errno.ENOSPC,
                "the file is larger than what may wait to be written to HDFS: it can be written in "
                "order, and read after it was closed",
            )

    def open_base(self) -> Reader:
        """Open the base, if it is not open. It stays readable if the file in HDFS is changed."""
        if self._base is None:
            self._base = self._open_base()
        return self._base

    def _read_base(self, start: int, end: int) -> bytes:
        data = self.open_base().read_at(start, end - start)
        if len(data) != end - start:  # HDFS shows a file without its last block while it is open
            raise OSError(errno.EIO, f"HDFS has only {start + len(data):,} bytes of the file")
        return data

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Write all of `data`; raises OSError, ENOSPC, if the budget has no room for it."""
        end = offset + len(data)
        self._refuse_dropped(offset)
        self._reserve(offset, end)
        written = 0
        while written < len(data):
            position = offset - self.dropped + written
            written += os.pwrite(self._file, data[written:], position)
        self.written.add(offset, end)
        self.size = max(self.size, end)

    def _reserve(self, start: int, end: int) -> None:
        new = sum(stop - begin for begin, stop, old in self.written.pieces(start, end) if not old)
        self._budget.take(new)
        self._taken += new

    def _account(self) -> None:
        """Take the bytes from the budget that the overlay has now."""
        size = self.written.size
        self._budget.take(size - self._taken)
        self._taken = size

    def truncate(self, size: int) -> None:
        """Cut the file, or fill it up with zeros."""
        if size < self.size:
            if size == 0:
                self.dropped = 0
            self._refuse_dropped(size)
            self.base_size = min(self.base_size, size)
            self.written.cut(size)
            os.ftruncate(self._file, max(size - self.dropped, 0))
            self._account()
        self.size = size

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the content from `start` on."""
        for offset in range(start, self.size, _CHUNK):
            yield self.read(offset, _CHUNK)

    @property
    def only_appends(self) -> bool:
        """Whether the base is unchanged, and bytes were written only after it."""
        return next(iter(self.written), (self.size,))[0] >= self.base_size

    @property
    def is_sequential(self) -> bool:
        """Whether all bytes were written, and none is of the base."""
        return self.base_size == 0 and (
            self.dropped == self.size or list(self.written) == [(self.dropped, self.size)]
        )

    def drop(self) -> None:
        """Give up all bytes so far, which are in HDFS; `trim` deletes them."""
        self.written = Extents()
        self.dropped = self.size

    def fetch(self) -> None:
        """Copy the base into the overlay, which then needs to read it no more."""
        for start, end, is_written in list(self.written.pieces(0, self.base_size)):
            if not is_written:
                for offset in range(start, end, _CHUNK):
                    stop = min(offset + _CHUNK, end)
                    self.write(offset, self._read_base(offset, stop))
        self._base = None

    def set_base(self, open_base: Callable[[], Reader], size: int) -> None:
        """Take another base below the bytes that were written."""
        self._open_base, self._base = open_base, None
        self.base_size = size

    def rebase(self, open_base: Callable[[], Reader], size: int) -> None:
        """Take a base of that size as the content. The written bytes are given up; `trim` deletes
        them."""
        self.set_base(open_base, size)
        self.size = size
        self.written, self.dropped = Extents(), 0

    def trim(self) -> None:
        """Delete bytes that were given up, after that was recorded."""
        if not self.written:
            os.ftruncate(self._file, 0)
        self._account()

    def close(self) -> None:
        """Give up the content."""
        os.close(self._file)
        self.local.unlink(missing_ok=True)
        self._budget.take(-self._taken)
