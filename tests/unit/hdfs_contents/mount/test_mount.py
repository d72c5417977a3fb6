"""Programs find in a mounted folder what they expect of files."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hdfs_contents.mount.state import Journal
from tests.mounts import Mount


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_what_is_written_is_stored_at_close_and_not_before(folder: Path, stored: Path) -> None:
    (stored / "a").write_text("old")
    with (folder / "a").open("w") as file:
        file.write("new")
        file.flush()
        assert (folder / "a").read_text() == "new"
        assert (stored / "a").read_text() == "old"
    assert (stored / "a").read_text() == "new"


def test_what_is_synchronized_is_stored(folder: Path, stored: Path) -> None:
    with (folder / "a").open("w") as file:
        file.write("1")
        file.flush()
        os.fsync(file.fileno())
        assert (stored / "a").read_text() == "1"
        file.write("2")
    assert (stored / "a").read_text() == "12"


def test_a_file_is_changed_in_the_middle_and_at_its_end(folder: Path, stored: Path) -> None:
    (stored / "a").write_bytes(b"0123456789")
    with (folder / "a").open("r+b") as file:
        file.seek(3)
        file.write(b"xx")
        file.seek(12)
        file.write(b"end")
        file.seek(0)
        assert file.read() == b"012xx56789\0\0end"
    with (folder / "a").open("ab") as file:
        file.write(b"!")
    assert (stored / "a").read_bytes() == b"012xx56789\0\0end!"


@pytest.mark.parametrize("size", [0, 4, 20])
def test_a_file_is_cut_and_filled_up(folder: Path, stored: Path, size: int) -> None:
    (stored / "a").write_bytes(b"0123456789")
    os.truncate(folder / "a", size)
    assert (stored / "a").read_bytes() == b"0123456789"[:size].ljust(size, b"\0")
    assert (folder / "a").stat().st_size == size


def test_a_mapped_file_is_read_and_changed(folder: Path, stored: Path) -> None:
    (stored / "a").write_bytes(b"0123456789")
    with (folder / "a").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        assert mapped[2:5] == b"234"
        mapped[2:5] = b"abc"
    assert (folder / "a").read_bytes() == b"01abc56789"
    assert (stored / "a").read_bytes() == b"01abc56789"


def test_a_deleted_file_is_read_and_written_by_those_that_have_it_open(
    folder: Path, stored: Path
) -> None:
    (stored / "a").write_text("content")
    with (folder / "a").open("r+") as file:
        (folder / "a").unlink()
        assert not (folder / "a").exists()
        assert os.fstat(file.fileno()).st_nlink == 0
        assert file.read() == "content"
        file.write(" and more")
        file.seek(0)
        assert file.read() == "content and more"
        (folder / "a").write_text("another")
    assert (stored / "a").read_text() == "another"


def test_a_file_that_is_open_is_deleted_only_if_its_content_can_be_kept(
    folder: Path, stored: Path
) -> None:
    block = os.urandom(1024 * 1024)
    for name, size in (("kept", 20), ("busy", 30)):
        (stored / name).write_bytes(block * size)
    with (folder / "kept").open("rb") as file:
        (folder / "kept").unlink()
        assert file.read() == block * 20
    with (folder / "busy").open("rb") as file:
        with pytest.raises(OSError) as raised:  # noqa: PT011
            (folder / "busy").unlink()
        assert raised.value.errno == errno.EBUSY
        assert file.read() == block * 30
    (folder / "busy").unlink()


def test_a_replaced_file_keeps_its_content_for_those_that_have_it_open(folder: Path) -> None:
    (folder / "a").write_text("old")
    (folder / "b").write_text("new")
    with (folder / "a").open() as file:
        (folder / "b").rename(folder / "a")
        assert file.read() == "old"
    assert (folder / "a").read_text() == "new"
    assert not (folder / "b").exists()


def test_a_directory_is_moved_with_what_is_open_in_it(folder: Path, stored: Path) -> None:
    (folder / "d" / "e").mkdir(parents=True)
    with (folder / "d" / "e" / "a").open("w") as file:
        (folder / "d").rename(folder / "new")
        file.write("1")
    assert (stored / "new" / "e" / "a").read_text() == "1"
    assert names(folder) == ["new"]


def test_no_name_is_replaced_by_a_rename_that_must_not(folder: Path, mount: Mount) -> None:
    for name in ("a", "b"):
        (folder / name).write_text(name)
    mount.run(folder, "mv", "--no-clobber", "a", "b")
    assert names(folder) == ["a", "b"]


def test_directories_are_made_and_removed_when_they_are_empty(folder: Path) -> None:
    (folder / "d").mkdir()
    (folder / "d" / "a").touch()
    with pytest.raises(FileExistsError):
        (folder / "d").mkdir()
    with pytest.raises(OSError) as raised:  # noqa: PT011 - the number is what is asked for
        (folder / "d").rmdir()
    assert raised.value.errno == errno.ENOTEMPTY
    (folder / "d" / "a").unlink()
    (folder / "d").rmdir()
    assert names(folder) == []


def test_a_listing_has_all_names_but_those_of_unfinished_files(folder: Path, stored: Path) -> None:
    expected = [f"{number:04}" for number in range(3000)]
    for name in expected:
        (stored / name).touch()
    (stored / ".saving-1-0123456789abcdef.tmp").touch()
    assert names(folder) == expected
    assert {entry.stat().st_size for entry in os.scandir(folder)} == {0}


def test_mode_and_time_are_set_also_while_a_file_is_written(folder: Path, stored: Path) -> None:
    with (folder / "a").open("w") as file:
        file.write("1")
        file.flush()
        os.fchmod(file.fileno(), 0o640)
        os.utime(file.fileno(), ns=(0, 1_000_000_000_000_000_000))
    status = (folder / "a").stat()
    assert (status.st_mode & 0o7777, status.st_mtime_ns) == (0o640, 1_000_000_000_000_000_000)
    os.utime(folder / "a", ns=(0, 2_000_000_000_000_000_000))
    assert (stored / "a").stat().st_mtime_ns == 2_000_000_000_000_000_000
    assert (stored / "a").stat().st_mode & 0o777 == 0o640


def test_links_and_devices_are_refused(folder: Path) -> None:
    (folder / "a").touch()
    for call in (
        lambda: (folder / "b").symlink_to("a"),
        lambda: (folder / "b").hardlink_to(folder / "a"),
        lambda: os.mkfifo(folder / "b"),
    ):
        with pytest.raises(PermissionError):
            call()


@pytest.mark.parametrize("content", ["0123456789", ""])
def test_a_change_by_another_client_is_not_overwritten(
    content: str, folder: Path, stored: Path
) -> None:
    (stored / "a").write_text(content)
    file = (folder / "a").open("r+")
    file.write("ab")
    (stored / "a").write_text("of another client")
    with pytest.raises(OSError) as raised:  # noqa: PT011
        file.close()
    assert raised.value.errno == errno.ESTALE
    assert (stored / "a").read_text() == "of another client"


def test_a_file_that_is_open_for_writing_shows_what_another_client_saves(
    folder: Path, stored: Path, wait_until: Callable[..., object]
) -> None:
    (stored / "a").write_text("old")
    with (folder / "a").open("a"):
        (stored / "a").write_text("saved by another client")
        new = "saved by another client"
        wait_until(lambda: (folder / "a").read_text() == new, 30, "the new content")


def test_more_changes_than_the_staging_directory_may_hold_are_an_error(folder: Path) -> None:
    (folder / "a").touch()
    with (folder / "a").open("r+b", buffering=0) as file:
        file.seek(1024)
        for _ in range(24):
            file.write(b"x" * 1024 * 1024)
        with pytest.raises(OSError) as raised:  # noqa: PT011
            file.write(b"x")
        assert raised.value.errno == errno.ENOSPC
        os.ftruncate(file.fileno(), 0)
    (folder / "a").write_text("there is room again")


def test_a_file_that_is_larger_than_the_staging_directory_is_written_in_order(
    folder: Path, stored: Path
) -> None:
    block = os.urandom(1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        for _ in range(60):
            file.write(block)
        assert (stored / "a").stat().st_size == 0
    assert (stored / "a").read_bytes() == block * 60
    assert names(stored) == ["a"]


def test_a_large_file_whose_beginning_is_written_last_is_stored(folder: Path, stored: Path) -> None:
    block = os.urandom(1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        for _ in range(21):
            file.write(block)
        file.seek(0)
        file.write(b"header")
        file.seek(0, os.SEEK_END)
        file.write(b"end")
    assert (stored / "a").read_bytes() == b"header" + (block * 21)[6:] + b"end"
    assert names(stored) == ["a"]


@pytest.mark.parametrize("step", ["write", "close"])
def test_a_large_file_is_sent_again_if_a_datanode_dies(
    step: str, folder: Path, stored: Path
) -> None:
    data = os.urandom(20 * 1024 * 1024)
    (folder / f"breaks-{step}").mkdir()
    with (folder / f"breaks-{step}" / "a").open("wb", buffering=1024 * 1024) as file:
        file.write(data)
    assert (stored / f"breaks-{step}" / "a").read_bytes() == data
    assert names(stored / f"breaks-{step}") == ["a"]


def test_a_directory_is_moved_while_a_large_file_is_written_in_it(
    folder: Path, stored: Path
) -> None:
    block = os.urandom(1024 * 1024)
    (folder / "d").mkdir()
    with (folder / "d" / "a").open("wb", buffering=0) as file:
        for number in range(60):
            file.write(block)
            if number == 40:
                (folder / "d").rename(folder / "moved")
    assert (stored / "moved" / "a").read_bytes() == block * 60
    assert names(stored / "moved") == ["a"]


def test_a_gap_in_a_file_that_is_larger_than_the_staging_directory_is_zeros(
    folder: Path, stored: Path
) -> None:
    block = os.urandom(1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        for _ in range(40):
            file.write(block)
        file.seek(len(block), os.SEEK_CUR)
        file.write(b"end")
        file.truncate(42 * len(block))
    assert (stored / "a").read_bytes() == (block * 40 + bytes(len(block)) + b"end").ljust(
        42 * len(block), b"\0"
    )


@pytest.mark.parametrize("size", [0, 5, 22 * 1024 * 1024])
def test_a_large_file_that_is_cut_while_it_is_written_is_stored(
    folder: Path, stored: Path, size: int
) -> None:
    data = os.urandom(20 * 1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        file.write(data)
        file.truncate(size)
        file.seek(size)
        file.write(b"end")
    assert (stored / "a").read_bytes() == data[:size].ljust(size, b"\0") + b"end"
    assert names(stored) == ["a"]


@pytest.mark.parametrize("how", ["w", "r+", "a"])
def test_what_is_open_outlives_a_killed_daemon(
    how: str, folder: Path, stored: Path, mount: Mount
) -> None:
    (folder / "d").mkdir()
    for name in ("read", "written"):
        (folder / "d" / name).write_text("old")
    expected = {"w": "one two", "r+": "one two", "a": "oldone two"}
    with (folder / "d" / "read").open() as read, (folder / "d" / "written").open(how) as written:
        written.write("one")
        written.flush()
        mount.kill()
        mount.start()
        written.write(" two")
        assert read.read() == "old"
    assert (stored / "d" / "written").read_text() == expected[how]
    assert names(folder / "d")


def test_names_that_no_program_uses_are_forgotten_when_they_are_many(
    folder: Path, stored: Path, mount: Mount, wait_until: Callable[..., object]
) -> None:
    for number in range(500):
        (stored / f"{number:03}").touch()
    first = (folder / "000").open()

    def known() -> set[str]:
        state = mount.open_state()
        nodes = {record.key: record.value for record in Journal(state).replay() if record.kind == 1}
        os.close(state)
        return {value[24:].decode() for value in nodes.values() if value[16:24] != bytes(8)}

    assert all(entry.stat() for entry in os.scandir(folder))
    wait_until(lambda: len(known()) < 120, 30, "names to be forgotten")
    assert "000" in known()
    first.close()
    assert len(names(folder)) == 500


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_program_that_waits_for_hdfs_can_be_ended_and_holds_up_no_other(
    number: signal.Signals, folder: Path, mount: Mount, wait_until: Callable[..., object]
) -> None:
    elsewhere = folder.with_name(f"elsewhere-{number}")
    elsewhere.mkdir()
    commands = [mount.command(folder, "cat", f"hangs-{n}") for n in range(3)]
    waiting = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
    for process in waiting:
        wait = Path(f"/proc/{process.pid}/wchan")
        wait_until(lambda wait=wait: "request_wait" in wait.read_text(), 30, "cat to wait")
    # Not in the same directory: the kernel lets none be made there while a name is looked up.
    (elsewhere / "a").write_text("others go on")
    assert (elsewhere / "a").read_text() == "others go on"
    for process in waiting:
        process.send_signal(number)
        assert process.wait(30) == -number


def test_other_files_are_used_while_a_file_that_was_closed_waits_for_hdfs(
    mount: Mount, folder: Path, wait_until: Callable[..., object]
) -> None:
    (folder / "stuck").mkdir()
    with (folder / "stuck" / "a").open("wb") as file:
        file.write(bytes(20 * 1024 * 1024))  # a large file is sent before it is closed
        (folder / "stuck" / "a").unlink()
    wait_until((mount.where.with_name("stored") / "waits").exists, 30, "what was sent is deleted")
    others = subprocess.Popen(mount.command(folder, "touch", "b"))
    assert others.wait(30) == 0


def test_a_namenode_that_cannot_be_reached_is_an_input_output_error(folder: Path) -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011
        (folder / "fails").stat()
    assert raised.value.errno == errno.EIO


def test_what_was_published_when_the_daemon_was_killed_is_gone_on_with(
    folder: Path, stored: Path, mount: Mount
) -> None:
    (stored / "a").write_bytes(b"x" * 100_000)
    written = threading.Semaphore(0)

    def kill_five_times() -> None:
        for _ in range(5):
            for _ in range(400):
                written.acquire()
            mount.kill()
            mount.start()

    with ThreadPoolExecutor(1) as thread, (folder / "a").open("r+b", buffering=0) as file:
        killing = thread.submit(kill_five_times)
        number = 0
        while not killing.done():
            file.seek(number % 1000)
            try:
                file.write(b"y")
                os.fsync(file.fileno())
            except OSError:
                written.release(10_000)  # the other thread ends too
                raise
            number += 1
            written.release(20)
    changed = min(number, 1000)
    assert (stored / "a").read_bytes() == b"y" * changed + b"x" * (100_000 - changed)


def test_a_file_is_saved_again_after_a_save_that_had_effect_too_late(
    folder: Path, stored: Path
) -> None:
    (stored / "late").write_text("zero")
    with (folder / "late").open("a") as file:
        for word in (" one", " two"):
            file.write(word)
            file.flush()
            with pytest.raises(TimeoutError):
                os.fsync(file.fileno())
            os.fsync(file.fileno())
    assert (stored / "late").read_text() == "zero one two"


def test_git_works(mount: Mount, folder: Path) -> None:
    script = """
    set -e
    export HOME=/nonexistent GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a
    export GIT_COMMITTER_EMAIL=a@b
    git init -q -b main r; cd r
    echo 1 > f; git add f; git commit -qm one
    git checkout -q -b other; echo 2 > g; git add g; git commit -qm two
    git checkout -q main; echo 3 > h; git add h; git commit -qm three
    git merge -q -m merged other; git rebase -q other; git gc -q; git fsck
    cd ..; git clone -q r c; cd c; git status --porcelain; cat f g h
    """
    assert mount.run(folder, "sh", "-c", script).split() == ["1", "2", "3"]


def test_common_programs_work(mount: Mount, folder: Path) -> None:
    script = """
    set -e
    mkdir d; for n in 1 2 3; do echo $n > d/$n; done
    tar cf d.tar d; mkdir x; tar xf d.tar -C x; diff -r d x/d
    cp -a d copy; diff -r d copy; sed -i s/1/one/ copy/1; cat copy/1
    mv copy moved; ls moved; rm -rf moved d
    (flock -n 9 && echo locked) 9> lock
    df . > /dev/null; find . -type f | wc -l
    """
    assert mount.run(folder, "sh", "-c", script).split() == ["one", "1", "2", "3", "locked", "5"]


def test_sqlite_works(mount: Mount, folder: Path) -> None:
    script = """
import sqlite3
for _ in range(2):
    db = sqlite3.connect("db")
    with db:
        db.execute("create table if not exists t (n integer)")
        db.executemany("insert into t values (?)", [(n,) for n in range(500)])
    db.close()
print(sqlite3.connect("db").execute("select count(*), sum(n) from t").fetchone())
"""
    assert mount.run(folder, "python3", "-c", script) == "(1000, 249500)\n"
