"""A replacement is verified before and after the rename."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from hadoop_client.hdfs import atomic
from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.local import LocalFileSystem
from hadoop_client.hdfs.paths import lock_path
from tests.unit.hdfs_contents.manager.interrupted import InterruptedFileSystem


@pytest.fixture
def fs(tmp_path: Path) -> LocalFileSystem:
    (tmp_path / "a").write_text("old")
    return LocalFileSystem("/home", tmp_path, "alice")


def test_a_file_that_lost_bytes_replaces_none(fs: LocalFileSystem, tmp_path: Path) -> None:

    def lose() -> None:
        (temporary,) = tmp_path.glob(".saving-*")
        temporary.write_text("ne")

    losing = InterruptedFileSystem(fs, "close", lose, after=True)
    with pytest.raises(OSError, match="HDFS kept only 2 of 3 bytes: save again"):
        write_file(losing, "/home/a", [b"new"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "old"}


def test_a_writer_whose_lock_was_broken_fails_if_another_has_replaced_the_file(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    lock = tmp_path / lock_path("/home/a").rpartition("/")[2]

    def take_over() -> None:
        lock.unlink()
        lock.write_text("of another client")

    slow = InterruptedFileSystem(fs, "replace", take_over, after=False)
    with pytest.raises(OSError, match="at the same time: save again") as raised:
        write_file(slow, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert raised.value.errno == errno.EAGAIN
    assert contents(tmp_path) == {"a": "of another client"}


def test_a_save_fails_if_the_former_version_is_still_there_after_it(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    """As in a router's mount whose targets are in two name services: a rename replaces nothing in
    the other one."""

    former = (tmp_path / "a").stat()

    def keep() -> None:
        (tmp_path / "a").write_text("old")
        os.utime(tmp_path / "a", ns=(former.st_atime_ns, former.st_mtime_ns))

    routed = InterruptedFileSystem(fs, "replace", keep, after=True)
    with pytest.raises(OSError, match="still has the former version") as raised:
        write_file(routed, "/home/a", [b"new!"], replaces=fs.stat("/home/a"))
    assert raised.value.errno == errno.EAGAIN
    assert contents(tmp_path) == {"a": "old"}


def test_a_lock_is_waited_for_and_tried_after_the_last_wait(
    fs: LocalFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / lock_path("/home/a").rpartition("/")[2]
    lock.write_text("of another client")
    waits = list(atomic._LOCK_WAITS)

    def sleep(seconds: float) -> None:
        assert seconds == waits.pop(0)
        if not waits:
            lock.unlink()

    monkeypatch.setattr("hadoop_client.hdfs.atomic.time.sleep", sleep)
    write_file(fs, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "ours"}


def test_a_writer_without_the_lock_does_not_delete_a_similar_lock_file(
    fs: LocalFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / lock_path("/home/a").rpartition("/")[2]
    lock.write_text("just as long")
    monkeypatch.setattr(atomic, "_LOCK_WAITS", (0,))
    monkeypatch.setattr(atomic, "is_same", lambda *_: True)
    with pytest.raises(OSError, match="another client is saving it"):
        write_file(fs, "/home/a", [b"as long, too"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "old", lock.name: "just as long"}


def test_a_lock_that_another_client_has_acquired_is_kept(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    lock = tmp_path / lock_path("/home/a").rpartition("/")[2]

    def get_no_answer() -> None:
        lock.write_text("of the next client")
        raise TimeoutError("HDFS did not answer")

    silent = InterruptedFileSystem(fs, "replace", get_no_answer, after=True)
    with pytest.raises(TimeoutError):
        write_file(silent, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "ours", lock.name: "of the next client"}


def test_a_lock_acquired_without_an_answer_is_released(fs: LocalFileSystem, tmp_path: Path) -> None:
    def get_no_answer() -> None:
        raise TimeoutError("HDFS did not answer")

    silent = InterruptedFileSystem(fs, "rename", get_no_answer, after=True)
    with pytest.raises(TimeoutError):
        write_file(silent, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "old"}


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}
