"""What writes that were cut off have left behind goes; nothing else does."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hadoop_client.hdfs.local import LocalFileSystem
from hadoop_client.hdfs.paths import lock_path, quarantine_path, temporary_beside
from hadoop_client.hdfs.stale_files import delete_stale_files


@pytest.fixture
def fs(tmp_path: Path) -> LocalFileSystem:
    return LocalFileSystem("/home", tmp_path, "alice")


def make(folder: Path, path: str, age_days: float) -> str:
    local = folder / path.removeprefix("/home/")
    local.write_bytes(b"")
    os.utime(local, (time.time() - age_days * 24 * 3600,) * 2)
    return path


def test_only_unfinished_writes_that_are_old_are_deleted(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    old, under_way, directory = (temporary_beside("/home/a") for _ in range(3))
    turn, aside = lock_path("/home/a"), quarantine_path("/home/a")
    fs.mkdirs(directory)
    make(tmp_path, f"{directory}/b", 2)
    os.utime(tmp_path / directory.removeprefix("/home/"), (0, 0))
    stay = {make(tmp_path, path, 2) for path in (aside, "/home/a", "/home/a.tmp")}
    stay.add(make(tmp_path, under_way, 0.9))
    for path in (old, turn):
        make(tmp_path, path, 2)
    delete_stale_files(fs, fs.list_dir("/home"))
    assert {entry.path for entry in fs.list_dir("/home")} == stay


def test_what_is_another_persons_is_left_to_them(fs: LocalFileSystem, tmp_path: Path) -> None:
    theirs = make(tmp_path, temporary_beside("/home/a"), 2)
    entries = [entry._replace(owner="another") for entry in fs.list_dir("/home")]
    delete_stale_files(fs, entries)
    assert fs.exists(theirs)


def test_what_cannot_be_deleted_is_no_error(fs: LocalFileSystem, tmp_path: Path) -> None:
    path = make(tmp_path, temporary_beside("/home/a"), 2)
    entries = fs.list_dir("/home")
    fs.delete(path)
    delete_stale_files(fs, entries)
