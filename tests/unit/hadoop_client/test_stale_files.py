"""Only the remains of interrupted writes are deleted."""

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


def sweep(fs: LocalFileSystem) -> None:
    delete_stale_files(fs, fs.stat("/home"), fs.list_dir("/home"))


def test_only_unfinished_writes_that_are_old_are_deleted(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    old, under_way, directory, empty = (temporary_beside("/home/a") for _ in range(4))
    turn, aside = lock_path("/home/a"), quarantine_path("/home/a")
    fs.mkdirs(directory)
    fs.mkdirs(empty)
    make(tmp_path, f"{directory}/b", 2)
    for path in (directory, empty):
        os.utime(tmp_path / path.removeprefix("/home/"), (0, 0))
    stay = {directory} | {make(tmp_path, path, 2) for path in (aside, "/home/a", "/home/a.tmp")}
    stay.add(make(tmp_path, under_way, 0.9))
    for path in (old, turn):
        make(tmp_path, path, 2)
    sweep(fs)
    assert {entry.path for entry in fs.list_dir("/home")} == stay


def test_another_users_files_stay(fs: LocalFileSystem, tmp_path: Path) -> None:
    theirs = make(tmp_path, temporary_beside("/home/a"), 2)
    entries = [entry._replace(owner="another") for entry in fs.list_dir("/home")]
    delete_stale_files(fs, fs.stat("/home"), entries)
    assert fs.exists(theirs)


def test_a_file_that_cannot_be_deleted_is_not_an_error(fs: LocalFileSystem, tmp_path: Path) -> None:
    path = make(tmp_path, temporary_beside("/home/a"), 2)
    entries = fs.list_dir("/home")
    fs.delete(path)
    delete_stale_files(fs, fs.stat("/home"), entries)


def test_a_directory_with_content_that_another_user_renamed_stays(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    """A user who may write into a shared directory may rename what they cannot delete."""
    fs.mkdirs("/home/thesis", 0o700)
    make(tmp_path, "/home/thesis/results.csv", 3)
    disguise = temporary_beside("/home/thesis")
    fs.rename("/home/thesis", disguise)
    os.utime(tmp_path / disguise.removeprefix("/home/"), (0, 0))
    for mode in (0o700, 0o755, 0o775, 0o777, 0o1777):
        fs.set_permission("/home", mode)
        sweep(fs)
        assert fs.exists(f"{disguise}/results.csv"), oct(mode)


@pytest.mark.parametrize(
    ("mode", "owner", "deleted"),
    [
        (0o700, "alice", True),
        (0o755, "alice", True),
        (0o1777, "alice", True),
        (0o770, "alice", False),  # also an ACL that lets another user write: its mask is 7
        (0o702, "alice", False),
        (0o777, "alice", False),
        (0o755, "another", False),
        (0o1777, "another", False),
    ],
)
def test_nothing_is_deleted_if_another_user_may_rename_files(
    mode: int, owner: str, deleted: bool, fs: LocalFileSystem, tmp_path: Path
) -> None:
    path = make(tmp_path, temporary_beside("/home/a"), 2)
    directory = fs.stat("/home")._replace(mode=mode, owner=owner)
    delete_stale_files(fs, directory, fs.list_dir("/home"))
    assert fs.exists(path) is not deleted
