"""Range requests and conditional requests."""

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
def test_a_range_selects_the_same_bytes_as_a_slice(first: int, length: int, size: int) -> None:
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
def test_a_header_without_a_single_valid_range_selects_the_whole_file(header: str | None) -> None:
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


def test_another_content_has_another_etag() -> None:
    assert len({ranges.etag(file) for file in (status(), status(1), status(size=11))}) == 3


def test_last_modified_has_a_resolution_of_a_second() -> None:
    header = ranges.last_modified(status())
    assert header == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert ranges.not_modified_since(status(), header)
    assert not ranges.not_modified_since(status(1_700_000_001_000), header)
    zone = "9" * 15
    for nonsense in (None, "", "yesterday", f"Tue, 14 Nov 2023 22:13:20 +{zone}"):
        assert not ranges.not_modified_since(status(), nonsense)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_file_with_any_time_is_current(modified_ms: int) -> None:
    file = status(modified_ms)
    assert ranges.range_is_current(file, ranges.last_modified(file))
    assert ranges.not_modified_since(file, ranges.last_modified(file)) or modified_ms > 2**47


def test_a_range_is_current_only_for_an_unchanged_file() -> None:
    for header in (None, ranges.etag(status()), ranges.last_modified(status())):
        assert ranges.range_is_current(status(), header)
    assert not ranges.range_is_current(status(), ranges.etag(status(1)))
