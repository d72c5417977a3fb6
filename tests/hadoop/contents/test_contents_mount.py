"""HDFS as a folder: what programs do there is done in HDFS, with HDFS's rules."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.mounts import Mount
from tests.unit.hdfs_contents.manager.models import MakeManager

MB = 1024 * 1024


def content(fs: FileSystem, path: str) -> bytes:
    with fs.open_read(path) as reader:
        return reader.read()


def number_of(call: Callable[[], object]) -> int | None:
    """Return the errno with which a call fails."""
    with pytest.raises(OSError) as raised:  # noqa: PT011
        call()
    return raised.value.errno


def test_a_file_is_written_and_read_through_the_folder(
    fs: FileSystem, root: str, folder: Path
) -> None:
    data = os.urandom(3 * MB)
    (folder / "d").mkdir()
    (folder / "d" / "ä 日本").write_bytes(data)
    assert content(fs, f"{root}/d/ä 日本") == data
    assert (folder / "d" / "ä 日本").read_bytes() == data
    assert (folder / "d").stat().st_mode & 0o777 == fs.stat(f"{root}/d").mode


def test_the_time_of_an_own_file_is_set_although_it_is_read_only(folder: Path) -> None:
    (folder / "a").write_text("a")
    (folder / "a").chmod(0o444)
    os.utime(folder / "a", (1, 1_000_000_000))
    status = (folder / "a").stat()
    assert (status.st_mtime, status.st_mode & 0o777) == (1_000_000_000, 0o444)


def test_a_large_file_is_appended_to_in_hdfs(fs: FileSystem, root: str, folder: Path) -> None:
    (folder / "log").write_bytes(b"x" * 5 * MB)
    with (folder / "log").open("ab") as log:
        for line in (b"one\n", b"two\n"):
            log.write(line)
            log.flush()
            os.fsync(log.fileno())
            assert content(fs, f"{root}/log")[5 * MB :].endswith(line)
    assert content(fs, f"{root}/log")[5 * MB :] == b"one\ntwo\n"


def test_a_change_in_a_file_that_is_larger_than_the_staging_directory(
    fs: FileSystem, root: str, folder: Path
) -> None:
    with fs.open_write(f"{root}/large") as writer:
        for _ in range(20):
            writer.write(b"x" * MB)
    with (folder / "large").open("r+b") as file:
        file.seek(10 * MB)
        file.write(b"changed")
    changed = content(fs, f"{root}/large")
    assert len(changed) == 20 * MB
    assert changed[10 * MB - 1 : 10 * MB + 8] == b"xchangedx"
    os.truncate(folder / "large", 3)
    assert content(fs, f"{root}/large") == b"xxx"


def test_mode_and_acl_of_a_changed_file_are_kept(
    fs: FileSystem, root: str, folder: Path, hdfs: Callable[..., str]
) -> None:
    (folder / "a").write_text("1")
    (folder / "a").chmod(0o640)
    hdfs("dfs", "-setfacl", "-m", "user:bob:rw-", f"{root}/a")
    acl = hdfs("dfs", "-getfacl", f"{root}/a")
    (folder / "a").write_text("2")
    assert content(fs, f"{root}/a") == b"2"
    assert hdfs("dfs", "-getfacl", f"{root}/a") == acl


def test_a_new_file_gets_what_its_directory_gives_or_else_what_the_umask_leaves(
    fs: FileSystem, root: str, folder: Path, hdfs: Callable[..., str], mount: Mount
) -> None:
    mount.run(folder, "sh", "-c", "umask 077; echo 1 > private; mkdir d")
    assert (fs.stat(f"{root}/private").mode, fs.stat(f"{root}/d").mode) == (0o600, 0o700)
    hdfs("dfs", "-setfacl", "-m", "default:user:bob:rw-", root)
    mount.run(folder, "sh", "-c", "umask 022; echo 1 > shared")
    assert "user:bob:rw-\n" in hdfs("dfs", "-getfacl", f"{root}/shared")


def test_a_quota_is_told_at_the_close_and_shown_by_df(
    root: str, folder: Path, hdfs: Callable[..., str]
) -> None:
    hdfs("dfsadmin", "-setSpaceQuota", "1m", root)
    try:
        file = (folder / "a").open("wb")
        file.write(b"x" * MB)
        assert number_of(file.close) == errno.EDQUOT
        assert (folder / "a").stat().st_size == 0
    finally:
        hdfs("dfsadmin", "-clrSpaceQuota", root)
    hdfs("dfsadmin", "-setQuota", "2", root)
    try:
        assert number_of((folder / "b").touch) == errno.EDQUOT
    finally:
        hdfs("dfsadmin", "-clrQuota", root)


def test_what_hdfs_does_not_permit_fails_when_it_is_opened(
    mount: Mount, folder: Path, as_user: Callable[..., Any]
) -> None:
    bob = mount.path / "user" / "bob"
    assert number_of(lambda: list(bob.iterdir())) == errno.EACCES
    assert number_of(lambda: (mount.path / "x").write_text("")) == errno.EACCES
    as_user("bob", "fs.mkdirs('/tmp/bob', 0o755); fs.open_write('/tmp/bob/a', 0o644).close()")
    shared = mount.path / "tmp" / "bob"
    assert (shared / "a").read_text() == ""
    assert os.access(shared / "a", os.R_OK)
    assert not os.access(shared / "a", os.W_OK)
    for call in (
        lambda: (shared / "a").open("r+"),
        lambda: (shared / "b").open("w"),
        (shared / "a").unlink,
        (shared / "d").mkdir,
        lambda: (shared / "a").chmod(0o777),
        lambda: (shared / "a").rename(folder / "a"),
    ):
        assert number_of(call) == errno.EACCES
    as_user("bob", "fs.delete('/tmp/bob', recursive=True)")


def test_names_that_hdfs_does_not_have(folder: Path) -> None:
    assert not (folder / "a:b").exists()
    assert number_of((folder / "a:b").touch) == errno.EINVAL
    assert number_of((folder / ("n" * 256)).touch) == errno.ENAMETOOLONG
    assert number_of(lambda: Path(f"{folder}/\udc80").mkdir()) == errno.EINVAL


def test_nothing_is_written_in_safe_mode(folder: Path, hdfs: Callable[..., str]) -> None:
    (folder / "a").write_text("old")
    file = (folder / "a").open("w")
    file.write("new")
    hdfs("dfsadmin", "-safemode", "enter")
    try:
        assert number_of(file.close) == errno.EROFS
        assert number_of((folder / "b").touch) == errno.EROFS
        assert number_of((folder / "a").unlink) == errno.EROFS
        assert (folder / "a").read_text() == "old"
    finally:
        hdfs("dfsadmin", "-safemode", "leave")


def test_renames_replace_what_posix_lets_them_replace(folder: Path) -> None:
    for name in ("empty", "full", "moved"):
        (folder / name).mkdir()
    (folder / "full" / "a").touch()
    assert number_of(lambda: (folder / "moved").rename(folder / "full")) == errno.ENOTEMPTY
    (folder / "moved").rename(folder / "empty")
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    (folder / "a").rename(folder / "b")
    assert (folder / "b").read_text() == "a"
    assert number_of(lambda: (folder / "b").rename(folder / "empty")) == errno.EISDIR
    assert number_of(lambda: (folder / "empty").rename(folder / "b")) == errno.ENOTDIR


async def test_lab_sees_at_once_what_code_has_closed_and_code_what_lab_has_saved(
    folder: Path, make_manager: MakeManager, wait_until: Callable[..., object]
) -> None:
    manager: HDFSContentsManager = make_manager()
    (folder / "a.txt").write_text("by code")
    model = await manager.get("a.txt")
    assert model["content"] == "by code"
    assert model["last_modified"].timestamp() == (folder / "a.txt").stat().st_mtime
    await manager.save({"type": "file", "format": "text", "content": "by Lab"}, "a.txt")
    wait_until(lambda: (folder / "a.txt").read_text() == "by Lab", 30, "Lab's content")


def test_what_is_open_outlives_a_killed_daemon(
    fs: FileSystem, root: str, folder: Path, mount: Mount
) -> None:
    data = os.urandom(3 * MB)
    (folder / "read").write_bytes(data)
    with (folder / "read").open("rb") as read, (folder / "written").open("wb") as written:
        assert read.read(10) == data[:10]
        written.write(b"1" * MB)
        mount.kill()
        mount.start()
        written.write(b"2")
        assert read.read() == data[10:]
    assert content(fs, f"{root}/written") == b"1" * MB + b"2"
