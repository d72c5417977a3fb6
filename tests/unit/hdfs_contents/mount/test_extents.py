"""Ranges of bytes behave as the sets of their bytes do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hdfs_contents.mount.extents import Extents

RANGE = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: tuple(sorted(pair)))
CHANGES = st.lists(st.one_of(RANGE, st.integers(0, 40)))


@given(CHANGES, RANGE)
def test_they_are_a_set_of_bytes(changes, asked) -> None:
    extents, model = Extents(), set()
    for change in changes:
        if isinstance(change, int):
            extents.cut(change)
            model -= set(range(change, 100))
        else:
            extents.add(*change)
            model |= set(range(*change))
    assert {n for extent in extents for n in range(*extent)} == model
    assert extents.size == len(model)
    ranges = list(extents)
    assert all(a.end < b.start for a, b in pairwise(ranges))
    pieces = list(extents.pieces(*asked))
    assert [n for start, end, _ in pieces for n in range(start, end)] == list(range(*asked))
    for start, end, inside in pieces:
        assert start < end
        assert {n in model for n in range(start, end)} == {inside}
