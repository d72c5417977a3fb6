"""Links to shared directories in a mounted folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hdfs_contents.mount import links
from tests.mounts import Mount


@pytest.fixture
def shared(mount: Mount, folder: Path, stored: Path) -> Path:
    """A directory beside the one of the test, which shows it as `team`, and one that is missing as
    `gone`."""
    shared = folder.with_name(f"{folder.name}-shared")
    shared.mkdir()
    (shared / "a").write_text("shared")
    targets = {"team": f"/home/{shared.name}", "gone": "/home/gone"}
    links.set_links(str(folder), targets)
    return stored.with_name(shared.name)


def test_a_shared_directory_is_read_and_written_through_its_link(
    folder: Path, shared: Path, mount: Mount
) -> None:
    assert (folder / "team" / "a").read_text() == "shared"
    (folder / "team" / "b").write_text("new")
    assert (shared / "b").read_text() == "new"
    assert (folder / "team").is_dir()
    assert stat.S_ISLNK((folder / "team").lstat().st_mode)
    assert mount.run(folder, "cat", "team/b") == "new"
    # It is the same file under both names, also while it is written.
    with (folder / "team" / "b").open("a") as file:
        file.write("er")
        file.flush()
        assert (folder.with_name(shared.name) / "b").read_text() == "newer"


def test_files_are_moved_between_a_shared_directory_and_others(folder: Path, shared: Path) -> None:
    (folder / "mine").write_text("mine")
    (folder / "mine").rename(folder / "team" / "ours")
    assert (shared / "ours").read_text() == "mine"
    (folder / "team" / "a").rename(folder / "a")
    assert (folder / "a").read_text() == "shared"


def test_links_are_listed_with_the_files_of_the_directory(
    folder: Path, shared: Path, mount: Mount
) -> None:
    (folder / "mine").touch()
    assert sorted(os.listdir(folder)) == ["gone", "mine", "team"]  # noqa: PTH208
    with os.scandir(folder) as entries:
        assert {entry.name for entry in entries if entry.is_symlink()} == {"gone", "team"}
    assert "team -> ../" in mount.run(folder, "ls", "-l")
    assert not (folder / "gone").exists()


def test_a_link_hides_an_entry_of_its_name(folder: Path, stored: Path, shared: Path) -> None:
    (stored / "team").mkdir()
    (stored / "team" / "hidden").touch()
    assert os.listdir(folder).count("team") == 1  # noqa: PTH208
    assert (folder / "team" / "a").read_text() == "shared"
    assert not (folder / "team" / "hidden").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "team").unlink(),
        lambda folder: (folder / "team").rename(folder / "other"),
        lambda folder: (folder / "mine").rename(folder / "team"),
        lambda folder: (folder / "gone").rename(folder / "team"),
        lambda folder: os.utime(folder / "team", (1, 1), follow_symlinks=False),
    ],
)
def test_no_program_changes_a_link(
    folder: Path, shared: Path, change: Callable[[Path], object]
) -> None:
    (folder / "mine").touch()
    with pytest.raises(PermissionError):
        change(folder)
    assert (folder / "team" / "a").read_text() == "shared"


def test_removing_all_files_of_a_directory_leaves_those_of_a_shared_one(
    folder: Path, shared: Path, mount: Mount
) -> None:
    (folder / "mine").touch()
    mount.run(folder, "sh", "-c", "rm -rf * || true")
    assert (shared / "a").read_text() == "shared"
    assert not (folder / "mine").exists()


def test_links_outlive_a_killed_daemon(mount: Mount, folder: Path, shared: Path) -> None:
    mount.kill()
    mount.start()
    assert (folder / "team" / "a").read_text() == "shared"


def test_other_extended_attributes_are_not_supported(folder: Path, shared: Path) -> None:
    for name, value, number in (
        ("user.other", b"{}", errno.ENOTSUP),
        (links.ATTRIBUTE, b"[1]", errno.EINVAL),
        (links.ATTRIBUTE, b'{"team": 1}', errno.EINVAL),
        (links.ATTRIBUTE, b"\xff", errno.EINVAL),
    ):
        with pytest.raises(OSError) as raised:  # noqa: PT011
            os.setxattr(folder, name, value)
        assert raised.value.errno == number
    assert (folder / "team" / "a").read_text() == "shared"
