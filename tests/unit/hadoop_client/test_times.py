"""Any number that HDFS or YARN has for a time is a time, and is set as one."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.times import utc_time

FIRST = datetime(1, 1, 1, tzinfo=timezone.utc)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999_000, timezone.utc)


@given(st.integers(-(2**42), 2**42))
def test_a_time_is_exact_to_the_millisecond(milliseconds: int) -> None:
    time = utc_time(milliseconds)
    assert time.tzinfo is timezone.utc
    assert round(time.timestamp() * 1000) == milliseconds
    assert time.microsecond % 1000 == 0


@given(st.integers(-(2**63), 2**64 - 1), st.integers(0, 2**63))
def test_any_number_is_a_time_and_a_later_one_is_no_earlier_time(number: int, more: int) -> None:
    assert FIRST <= utc_time(number) <= utc_time(number + more) <= LAST


def test_a_time_beyond_a_datetimes_years_is_the_nearest_within_them() -> None:
    assert [utc_time(number) for number in (-(2**63), 10**15, 2**63 - 1)] == [FIRST, LAST, LAST]


class Client:
    """In place of hdfs-native's client, which takes unsigned numbers of 64 bits."""

    def __init__(self, *_: object, **options: object) -> None:
        self.times: list[int] = []

    def set_times(self, path: str, *times: int) -> None:
        for time in times:
            time.to_bytes(8, "big")
        self.times += times


@pytest.mark.parametrize(
    ("given_ms", "set_ms"), [(1, 1), (0, 0), (-1, 0), (-(2**70), 0), (2**70, 2**63 - 1)]
)
def test_a_time_that_hdfs_does_not_have_is_set_to_the_nearest(
    given_ms: int, set_ms: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    client = Client()
    monkeypatch.setattr("hdfs_native.Client", lambda *_, **options: client)
    fs = open_filesystem("hdfs://127.0.0.1:9")
    fs.set_times("/a", modified_ms=given_ms)
    fs.set_times("/a", accessed_ms=given_ms)
    unchanged = 2**64 - 1
    assert client.times == [set_ms, unchanged, unchanged, set_ms]
