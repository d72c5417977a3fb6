"""A replacement is verified before and after the rename."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from hadoop_client.hdfs import atomic
from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.interface import FileStatus
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


@pytest.mark.parametrize(("keeps", "former_owner"), [("a", True), ("source", False)])
def test_only_the_owner_of_the_file_whose_access_is_kept_keeps_theirs(
    fs: LocalFileSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keeps: str,
    former_owner: bool,
) -> None:
    """The file that is replaced may be one that another user has put there."""
    (tmp_path / "source").write_text("secret")
    copied = []

    def copy_access(source: str, target: str, *, replaces: bool = False) -> FileStatus:
        copied.append((source, replaces))
        return fs.stat(target)

    monkeypatch.setattr(fs, "copy_access", copy_access)
    keep = fs.stat(f"/home/{keeps}")
    write_file(fs, "/home/a", [b"secret"], replaces=fs.stat("/home/a"), keep=keep)
    assert copied == [(f"/home/{keeps}", former_owner)]


class SharedFileSystem(LocalFileSystem):
    """A directory with the sticky bit that is another user's, with that user's lock: a file or
    directory that alice can rename a file over, as in HDFS, and cannot delete."""

    def stat(self, path: str) -> FileStatus:
        status = super().stat(path)
        is_theirs = status.is_dir or self._local(path).read_text() == "mallory's"
        return status._replace(owner="mallory") if is_theirs else status

    def delete(self, path: str, *, recursive: bool = False) -> None:
        if self.stat(path).owner != self.user:
            raise PermissionError(errno.EACCES, "Permission denied by sticky bit", path)
        super().delete(path, recursive=recursive)


@pytest.fixture
def shared(tmp_path: Path) -> SharedFileSystem:
    (tmp_path / "a").write_text("old")
    return SharedFileSystem("/home", tmp_path, "alice")


def make_lock(folder: Path, content: str, age_seconds: float) -> Path:
    lock = folder / lock_path("/home/a").rpartition("/")[2]
    lock.write_text(content)
    then = time.time() - age_seconds
    os.utime(lock, (then, then))
    return lock


@pytest.mark.parametrize("age_seconds", [120, -2 * 24 * 3600])
@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_another_users_stale_lock_is_replaced_where_it_cannot_be_deleted(
    shared: SharedFileSystem, tmp_path: Path, mode: int, age_seconds: float
) -> None:
    """A time far ahead is no time of a lock that a client holds."""
    (tmp_path / "a").chmod(mode)
    make_lock(tmp_path, "mallory's", age_seconds)
    write_file(shared, "/home/a", [b"new"], replaces=shared.stat("/home/a"))
    assert contents(tmp_path) == {"a": "new"}


def test_a_lock_of_another_user_who_may_not_write_the_file_is_none(
    shared: SharedFileSystem, tmp_path: Path
) -> None:
    (tmp_path / "a").chmod(0o644)
    make_lock(tmp_path, "mallory's", 0)
    write_file(shared, "/home/a", [b"new"], replaces=shared.stat("/home/a"))
    assert contents(tmp_path) == {"a": "new"}


@pytest.mark.parametrize(
    ("mode", "holder"), [(0o644, "alice"), (0o664, "mallory"), (0o646, "mallory")]
)
def test_a_save_waits_for_each_user_who_may_write_the_file_and_names_the_lock(
    shared: SharedFileSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    holder: str,
) -> None:
    """alice's other clients too, and one whose clock is an hour ahead."""
    monkeypatch.setattr(atomic, "_LOCK_WAITS", (0, 0))
    (tmp_path / "a").chmod(mode)
    lock = make_lock(tmp_path, f"{holder}'s", -3600)
    with pytest.raises(OSError, match="another client is saving it") as raised:
        write_file(shared, "/home/a", [b"new"], replaces=shared.stat("/home/a"))
    assert raised.value.errno == errno.EBUSY
    assert str(raised.value.strerror).endswith(f"The lock is /home/{lock.name} of {holder}")
    assert contents(tmp_path) == {"a": "old", lock.name: f"{holder}'s"}


def test_a_directory_in_the_place_of_the_lock_is_named_with_its_owner(
    shared: SharedFileSystem, tmp_path: Path
) -> None:
    lock = lock_path("/home/a")
    (tmp_path / lock.rpartition("/")[2]).mkdir()
    with pytest.raises(OSError, match="a directory of mallory is in the place") as raised:
        write_file(shared, "/home/a", [b"new"], replaces=shared.stat("/home/a"))
    assert raised.value.errno == errno.EBUSY
    assert lock in str(raised.value.strerror)
    assert (tmp_path / "a").read_text() == "old"


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
