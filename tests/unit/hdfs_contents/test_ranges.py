"""Which bytes a request is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs.filesystem import FileStatus
from hdfs_contents import ranges

numbers = st.integers(0, 2000)


def status(modified_ms: int = 1_700_000_000_123, size: int = 10) -> FileStatus:
    return FileStatus("/a", False, size, modified_ms, 0o644, "alice", "users")


@given(numbers, numbers, numbers)
def test_a_range_is_what_a_slice_of_the_file_would_be(first: int, length: int, size: int) -> None:
    content = range(size)
    last = first + length
    for header, expected in (
        (f"bytes={first}-{last}", content[first : last + 1]),
        (f"bytes={first}-", content[first:]),
        (f"bytes=-{first}", content[-first:] if first else content[:0]),
    ):
        if expected:
            assert ranges.parse_range(header, size) == expected
        else:
            with pytest.raises(ranges.NotSatisfiableError):
                ranges.parse_range(header, size)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"),
        *(f"bytes=0-{'9' * 5000}", f"bytes={'9' * 5000}-", f"bytes=-{'9' * 5000}"),
    ],
)
def test_what_is_no_single_range_asks_for_the_whole_file(header: str | None) -> None:
    assert ranges.parse_range(header, 10) is None


@given(st.text())
def test_any_header_is_a_range_or_the_whole_file(header: str) -> None:
    try:
        offsets = ranges.parse_range(header, 10)
    except ranges.NotSatisfiableError:
        return
    assert offsets is None or set(offsets) <= set(range(10))


def test_a_part_is_named_by_its_first_and_last_byte() -> None:
    assert ranges.content_range(range(2, 5), 10) == "bytes 2-4/10"


def test_another_content_has_another_tag() -> None:
    assert len({ranges.etag(each) for each in (status(), status(1), status(size=11))}) == 3


def test_a_time_has_the_seconds_only() -> None:
    said = ranges.last_modified(status())
    assert said == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert ranges.not_modified_since(status(), said)
    assert not ranges.not_modified_since(status(1_700_000_001_000), said)
    zone = "9" * 15
    for nonsense in (None, "", "yesterday", f"Tue, 14 Nov 2023 22:13:20 +{zone}"):
        assert not ranges.not_modified_since(status(), nonsense)


def test_a_part_fits_only_what_is_unchanged() -> None:
    for header in (None, ranges.etag(status()), ranges.last_modified(status())):
        assert ranges.range_is_current(status(), header)
    assert not ranges.range_is_current(status(), ranges.etag(status(1)))
