"""What a killed daemon has left is restored from its records and its staging files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.overlay import Budget
from hdfs_contents.mount.protocol import ROOT
from hdfs_contents.mount.recovery import JournalRecorder, live_records, restore
from hdfs_contents.mount.state import Journal
from hdfs_contents.mount.tables import Handle, Tables

LARGE = 1 << 40


class Daemon:
    """The files of a daemon that has the state of the one before."""

    def __init__(self, place: Path, state: int) -> None:
        fs = LocalFileSystem("/home", place / "stored", "alice")
        journal, budget = Journal(state), Budget(LARGE)
        self.tables = Tables("/home", JournalRecorder(journal))
        self.files = OpenFiles(fs, self.tables, place, budget)
        restore(journal, self.tables, self.files, budget)
        journal.live = lambda: live_records(self.tables)

    def open(self, name: str) -> Handle:
        with self.tables:
            node = self.tables.inodes.look_up(self.tables.inodes.get(ROOT), name)
        return self.files.open(node, os.O_RDWR)


@pytest.fixture
def state() -> Iterator[int]:
    state = os.memfd_create("state")
    yield state
    os.close(state)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored/a").touch()
    return tmp_path


def test_a_file_that_is_written_in_many_places_is_restored(place: Path, state: int) -> None:
    daemon = Daemon(place, state)
    handle = daemon.open("a")
    numbers = range(12_000)
    for number in numbers:
        daemon.files.write(handle.id, 10 * number, memoryview(b"x"), 0)
    restored = Daemon(place, state)
    restored.files.flush(handle.id)
    expected = b"".join(b"x".ljust(10, b"\0") for _ in numbers)
    assert (place / "stored/a").read_bytes() == expected[:-9]


def test_content_that_the_staging_file_has_lost_is_not_published(place: Path, state: int) -> None:
    handle = Daemon(place, state).open("a")
    daemon = Daemon(place, state)
    daemon.files.write(handle.id, 0, memoryview(b"content"), 0)
    os.truncate(next(place.glob("*-*")), 3)
    with pytest.raises(OSError, match="has lost bytes"):
        daemon.files.flush(handle.id)
    assert (place / "stored/a").read_bytes() == b""
