"""Programs find in a mounted folder what they expect of files."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mounts import Mount, names


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
