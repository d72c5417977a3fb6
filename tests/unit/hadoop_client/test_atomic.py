"""What takes a file's place is looked at before, and after."""

from __future__ import annotations

import errno
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


def test_what_has_lost_bytes_takes_nobodys_place(fs: LocalFileSystem, tmp_path: Path) -> None:

    def lose() -> None:
        (temporary,) = tmp_path.glob(".saving-*")
        temporary.write_text("ne")

    losing = InterruptedFileSystem(fs, "close", lose, after=True)
    with pytest.raises(OSError, match="HDFS kept only 2 of 3 bytes: save again"):
        write_file(losing, "/home/a", [b"new"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "old"}


def test_who_was_taken_for_dead_is_not_told_that_anothers_content_was_their_own(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    turn = tmp_path / lock_path("/home/a").rpartition("/")[2]

    def take_over() -> None:
        turn.unlink()
        turn.write_text("of another, who thinks us dead")

    slow = InterruptedFileSystem(fs, "replace", take_over, after=False)
    with pytest.raises(OSError, match="at the same time: save again") as raised:
        write_file(slow, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert raised.value.errno == errno.EAGAIN
    assert contents(tmp_path) == {"a": "of another, who thinks us dead"}


def test_somebodys_turn_is_waited_for_and_tried_for_after_the_last_wait(
    fs: LocalFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = tmp_path / lock_path("/home/a").rpartition("/")[2]
    turn.write_text("of somebody")
    waits = list(atomic._LOCK_WAITS)

    def sleep(seconds: float) -> None:
        assert seconds == waits.pop(0)
        if not waits:
            turn.unlink()

    monkeypatch.setattr("hadoop_client.hdfs.atomic.time.sleep", sleep)
    write_file(fs, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "ours"}


def test_who_did_not_get_their_turn_takes_no_like_one_from_another(
    fs: LocalFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = tmp_path / lock_path("/home/a").rpartition("/")[2]
    turn.write_text("just as long")
    monkeypatch.setattr(atomic, "_LOCK_WAITS", (0,))
    monkeypatch.setattr(atomic, "_is_same", lambda *_: True)
    with pytest.raises(OSError, match="another client is saving it"):
        write_file(fs, "/home/a", [b"as long, too"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "old", turn.name: "just as long"}


def test_a_turn_that_has_become_anothers_is_not_taken_from_them(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    turn = tmp_path / lock_path("/home/a").rpartition("/")[2]

    def get_no_answer() -> None:
        turn.write_text("of the next one")
        raise TimeoutError("HDFS did not answer")

    silent = InterruptedFileSystem(fs, "replace", get_no_answer, after=True)
    with pytest.raises(TimeoutError):
        write_file(silent, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "ours", turn.name: "of the next one"}


def test_a_turn_whose_taking_had_no_answer_is_given_up(fs: LocalFileSystem, tmp_path: Path) -> None:
    def get_no_answer() -> None:
        raise TimeoutError("HDFS did not answer")

    silent = InterruptedFileSystem(fs, "rename", get_no_answer, after=True)
    with pytest.raises(TimeoutError):
        write_file(silent, "/home/a", [b"ours"], replaces=fs.stat("/home/a"))
    assert contents(tmp_path) == {"a": "old"}


def contents(folder: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in folder.iterdir()}
