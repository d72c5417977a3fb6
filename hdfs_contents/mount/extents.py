"""Sets of byte ranges of a file. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Extent(NamedTuple):
    """The bytes from `start` to before `end`."""

    start: int
    end: int


class Extents:
    """A set of bytes, as sorted ranges that neither overlap nor touch.

    One thread may change it while others read it: they see it before the change or after it.
    """

    def __init__(self, extents: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: tuple[list[int], list[int]] = ([], [])
        for start, end in extents:
            self.add(start, end)

    def __iter__(self) -> Iterator[Extent]:
        return map(Extent, *self._ranges)

    def __len__(self) -> int:
        return len(self._ranges[0])

    @property
    def size(self) -> int:
        """The number of bytes."""
        starts, ends = self._ranges
        return sum(ends) - sum(starts)

    def add(self, start: int, end: int) -> None:
        """Add the bytes from `start` to before `end`."""
        if start >= end:
            return
        starts, ends = self._ranges
        first = bisect_left(ends, start)  # the first that ends there or later
        last = bisect_right(starts, end)  # after the last that starts there or earlier
        if first < last:
            start = min(start, starts[first])
            end = max(end, ends[last - 1])
        self._ranges = (
            [*starts[:first], start, *starts[last:]],
            [*ends[:first], end, *ends[last:]],
        )

    def cut(self, end: int) -> None:
        """Remove all bytes from `end` on."""
        starts, ends = self._ranges
        count = bisect_left(starts, end)
        self._ranges = (starts[:count], [min(stop, end) for stop in ends[:count]])

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """Yield the range in pieces that are in the set as a whole or not at all."""
        starts, ends = self._ranges
        index = bisect_right(ends, start)
        while start < end:
            begin = starts[index] if index < len(starts) else end
            if start < begin:
                stop, inside = min(begin, end), False
            else:
                stop, inside = min(ends[index], end), True
                index += 1
            yield start, stop, inside
            start = stop
