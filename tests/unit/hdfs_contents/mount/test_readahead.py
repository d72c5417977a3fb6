"""What is read ahead is what is in the file."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.mount.readahead import _MAX_CHUNKS, CHUNK, AheadReader, ReadAhead

SIZE = 2 * CHUNK + 1000


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, SIZE + 10), st.integers(1, 300_000)), max_size=5))
def test_any_part_is_read_in_order_or_not(tmp_path: Path, others: list[tuple[int, int]]) -> None:
    data = os.urandom(1000) * (SIZE // 1000)
    (tmp_path / "a").write_bytes(data)
    ahead = ReadAhead()
    reader = AheadReader(LocalFileSystem("/", tmp_path, "alice").open_read("/a"), ahead)
    for offset in range(0, len(data), 131_072):
        assert reader.read_at(offset, 131_072) == data[offset : offset + 131_072]
        if others and offset % (5 * 131_072) == 0:
            start, size = others.pop()
            assert reader.read_at(start, size) == data[start : start + size]
    assert reader.read_at(len(data), 1000) == b""
    assert len(ahead._chunks) <= _MAX_CHUNKS
    reader.close()
    assert not ahead._chunks
