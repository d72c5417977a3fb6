"""What is read ahead is what is in the file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hadoop_client.hdfs.interface import Reader
from hadoop_client.hdfs.local import LocalFile, LocalFileSystem
from hdfs_contents.mount.readahead import _MAX_STREAMS, CHUNK, AheadReader, ReadAhead

SIZE = 4 * CHUNK + 1000
STEP = 131_072


def opened(folder: Path, data: bytes) -> LocalFile:
    (folder / "a").write_bytes(data)
    return LocalFileSystem("/", folder, "alice").open_read("/a")


def part(reader: AheadReader, offset: int, size: int) -> bytes:
    return b"".join(reader.read_at(offset, size))


def whole(reader: AheadReader, size: int) -> bytes:
    return b"".join(part(reader, offset, STEP) for offset in range(0, size, STEP))


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.integers(0, SIZE + 10), st.integers(1, 3 * CHUNK)), max_size=8))
def test_any_part_is_read_in_order_or_not(tmp_path: Path, others: list[tuple[int, int]]) -> None:
    data = os.urandom(1000) * (SIZE // 1000)
    reader = AheadReader(opened(tmp_path, data), ReadAhead())
    for offset in range(0, len(data), STEP):
        assert part(reader, offset, STEP) == data[offset : offset + STEP]
        if others and offset % (5 * STEP) == 0:
            start, size = others.pop()
            assert part(reader, start, size) == data[start : start + size]
    assert part(reader, len(data), 1000) == b""
    reader.close()


def test_requests_in_order_that_overtake_each_other_are_answered(tmp_path: Path) -> None:
    data = os.urandom(SIZE)
    reader = AheadReader(opened(tmp_path, data), ReadAhead())
    for offset in range(0, SIZE, 2 * STEP):
        for start in (offset + STEP, offset):
            assert part(reader, start, STEP) == data[start : start + STEP]
    reader.close()


def test_only_some_files_are_read_ahead_at_the_same_time(tmp_path: Path) -> None:
    data, ahead = os.urandom(SIZE), ReadAhead()
    readers = [AheadReader(opened(tmp_path, data), ahead) for _ in range(_MAX_STREAMS + 2)]
    for reader in readers:
        assert whole(reader, SIZE) == data
    assert [reader for reader in readers if reader._stream] == readers[2:]
    for reader in readers:
        reader.close()
    assert not ahead._readers


def test_a_stream_that_fails_is_replaced_by_requests_of_their_own(tmp_path: Path) -> None:
    class Failing:
        """A file whose DataNode fails in the middle of a stream."""

        def __init__(self, file: Reader) -> None:
            self.size, self.read_at, self.close = file.size, file.read_at, file.close

        def stream(self, offset: int, size: int) -> Iterator[list[bytes]]:
            yield [self.read_at(offset, size)]
            raise OSError(errno.EIO, "the DataNode has failed")

    data = os.urandom(SIZE)
    reader = AheadReader(Failing(opened(tmp_path, data)), ReadAhead())
    assert whole(reader, SIZE) == data
    reader.close()


@pytest.mark.parametrize("size", [0, 1, 20_000, STEP, STEP + 1])
def test_any_part_of_a_small_file_is_read(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    reader = AheadReader(opened(tmp_path, data), ReadAhead())
    for offset in (0, 5, size, size + 5):
        assert part(reader, offset, STEP) == data[offset : offset + STEP]
    reader.close()
