"""The file system's promises, on live HDFS, for hdfs-native and for libhdfs."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.filesystem import FileSystem, Kind, Writer, open_filesystem
from yarnhub.minihadoop import MiniHadoop

MB = 1024 * 1024


def test_a_status_says_what_a_file_is(fs: FileSystem, write: Callable[..., str]) -> None:
    path = write("d/a", b"12345", 0o640)
    status = fs.stat(path)
    assert (status.path, status.name, status.is_dir, status.size) == (path, "a", False, 5)
    assert (status.mode, status.owner) == (0o640, "alice")
    assert fs.stat(path.rpartition("/")[0]).is_dir
    assert fs.user == "alice"


def test_a_listing_has_what_is_in_a_directory_and_no_more(
    fs: FileSystem, root: str, write: Callable[..., str]
) -> None:
    assert fs.list_dir(root) == []
    for path in ("b", "a", "d/c"):
        write(path)
    assert [status.path for status in fs.list_dir(root)] == [f"{root}/{n}" for n in ("a", "b", "d")]
    assert fs.list_dir(root)[0] == fs.stat(f"{root}/a")


def test_more_is_listed_than_the_namenode_sends_at_once(fs: FileSystem, root: str) -> None:
    for number in range(1100):
        fs.mkdirs(f"{root}/{number:04}")
    assert [int(status.name) for status in fs.list_dir(root)] == list(range(1100))


@pytest.mark.parametrize("size", [0, 1, 9 * MB + 1])
def test_what_was_written_is_read_in_pieces(fs: FileSystem, root: str, size: int) -> None:
    data = (b"0123456789abcde" * (size // 15 + 1))[:size]
    with fs.open_write(f"{root}/a") as file:
        assert file.write(data) == size
    with fs.open_read(f"{root}/a") as reader:
        assert reader.size == size
        assert reader.read(3) == data[:3]
        assert reader.read() == data[3:]
        assert reader.read(1) == reader.read() == b""


def test_any_part_is_read(fs: FileSystem, root: str) -> None:
    data = bytes(range(256)) * 40_000  # three pieces
    with fs.open_write(f"{root}/a") as file:
        file.write(data)
    with fs.open_read(f"{root}/a") as reader:
        for offset, size in ((5 * MB, 10), (0, 1), (len(data) - 3, 10), (4 * MB - 1, 2), (7, 0)):
            reader.seek(offset)
            assert reader.read(size) == data[offset : offset + size]
        reader.seek(len(data))
        assert reader.read() == b""


@pytest.mark.parametrize("offset", [0, 5, 3 * MB + 1, 9 * MB])
def test_a_file_is_streamed_from_any_offset(fs: FileSystem, root: str, offset: int) -> None:
    data = bytes(range(256)) * 36 * 1024  # 9 MiB
    with fs.open_write(f"{root}/a") as file:
        file.write(data)
    with fs.open_read(f"{root}/a") as reader:
        lists = list(reader.stream(offset, 2 * MB))
        assert reader.read(3) == data[:3]
    assert b"".join(part for parts in lists for part in parts) == data[offset:]
    assert all(sum(map(len, parts)) >= 2 * MB for parts in lists[:-1])


def test_who_reads_while_a_file_is_replaced_has_one_content_whole(
    fs: FileSystem, root: str, write: Callable[..., str]
) -> None:
    path = write("a", b"a" * 100)
    with fs.open_read(path) as reader:
        assert reader.read(50) == b"a" * 50
        write_file(fs, path, [b"b" * 200], replaces=fs.stat(path))
        assert reader.read() == b"a" * 50
    with fs.open_read(path) as reader:
        assert reader.read() == b"b" * 200


def test_there_is_the_old_content_or_the_new_at_every_moment(
    fs: FileSystem, root: str, write: Callable[..., str]
) -> None:
    contents = [letter * size for letter, size in ((b"a", 1000), (b"b", 10), (b"c", 70_000))]
    path = write("a", contents[0])
    done = threading.Event()

    def read_again_and_again() -> list[bytes]:
        seen = []
        while not done.is_set():
            with fs.open_read(path) as reader:
                seen.append(reader.read())
        return seen

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read_again_and_again) for _ in range(2)]
        try:
            for number in range(30):
                write_file(fs, path, [contents[number % 3]], replaces=fs.stat(path))
        finally:
            done.set()
        seen = [content for reader in readers for content in reader.result()]
    assert seen
    assert all(content in contents for content in seen)


def test_many_threads_write_and_read_at_once(fs: FileSystem, root: str) -> None:
    def write_and_read(number: int) -> bytes:
        with fs.open_write(f"{root}/{number}") as file:
            for _ in range(5):
                file.write(b"%d" % number)
        with fs.open_read(f"{root}/{number}") as reader:
            return reader.read()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(write_and_read, range(24))) == [b"%d" % n * 5 for n in range(24)]


@pytest.mark.parametrize(
    "name",
    ["a b", "%41+&?#", "'q\"*[x]{y}$z", "back\\slash", "ä 日本", "😀 or 🄰", "new\nline", "~"],
)
def test_a_name_is_the_same_for_all_that_is_done_with_it(
    name: str, fs: FileSystem, root: str, as_user: Callable[..., Any]
) -> None:
    path = f"{root}/{name}"
    with fs.open_write(path) as file:
        file.write(b"1")
    with pytest.raises(FileExistsError):
        fs.open_write(path)
    with fs.open_read(path) as reader:
        assert reader.read() == b"1"
    assert [status.name for status in fs.list_dir(root)] == [name]
    fs.rename(path, f"{path}2")
    fs.delete(f"{path}2")
    assert fs.list_dir(root) == []


def test_what_a_directory_holds_is_summed_up(
    fs: FileSystem, root: str, write: Callable[..., str], hdfs: Callable[..., str]
) -> None:
    write("d/a", b"12")
    write("b", b"3")
    hdfs("dfsadmin", "-setQuota", "10", root)
    usage = fs.usage(root)
    assert (usage.files, usage.size_bytes, usage.names_left) == (2, 3, 6)
    assert usage.bytes_left is None


def test_a_quota_is_told_as_one(fs: FileSystem, root: str, hdfs: Callable[..., str]) -> None:
    hdfs("dfsadmin", "-setSpaceQuota", "1m", root)
    file = fs.open_write(f"{root}/a")
    with pytest.raises(OSError, match="quota") as raised:
        write_all(file, b"x" * MB)
    assert raised.value.errno == errno.EDQUOT
    hdfs("dfsadmin", "-clrSpaceQuota", root)
    hdfs("dfsadmin", "-setQuota", "1", root)
    with pytest.raises(OSError, match="quota") as raised:
        fs.open_write(f"{root}/b")
    assert raised.value.errno == errno.EDQUOT
    hdfs("dfsadmin", "-clrQuota", root)


def write_all(file: Writer, data: bytes) -> None:
    with file:
        file.write(data)


def test_nothing_is_written_in_safe_mode(
    fs: FileSystem, root: str, hdfs: Callable[..., str]
) -> None:
    hdfs("dfsadmin", "-safemode", "enter")
    try:
        with pytest.raises(OSError, match="safe mode") as raised:
            fs.open_write(f"{root}/a")
    finally:
        hdfs("dfsadmin", "-safemode", "leave")
    assert raised.value.errno == errno.EROFS


def test_what_is_trashed_is_where_it_is_said_to_be(
    fs: FileSystem, root: str, write: Callable[..., str]
) -> None:
    where = [fs.trash(write("a", content)) for content in (b"1", b"2")]
    assert len(set(where)) == 2
    for content, path in zip((b"1", b"2"), where, strict=True):
        with fs.open_read(str(path)) as reader:
            assert reader.read() == content
    assert fs.trash(str(where[0])) is None


def test_a_file_is_written_by_many_writes(fs: FileSystem, root: str) -> None:
    with fs.open_write(f"{root}/a") as file:
        for piece in (b"a", b"", b"bc"):
            file.write(piece)
    with fs.open_read(f"{root}/a") as reader:
        assert reader.read() == b"abc"


def test_a_file_is_created_once(fs: FileSystem, root: str, write: Callable[..., str]) -> None:
    path = write("a", b"first")
    with pytest.raises(FileExistsError):
        fs.open_write(path)
    assert fs.stat(path).size == len(b"first")


def test_a_file_is_being_written_until_its_writer_is_closed(fs: FileSystem, root: str) -> None:
    with fs.open_write(f"{root}/a") as file:
        file.write(b"1")
        assert fs.is_being_written(f"{root}/a")
    for path in (f"{root}/a", f"{root}/missing", root):
        assert not fs.is_being_written(path)


def test_a_writer_that_fails_leaves_a_file_that_can_be_deleted(fs: FileSystem, root: str) -> None:
    def write_and_fail() -> None:
        with fs.open_write(f"{root}/a") as file:
            file.write(b"half")
            raise KeyError("no more")

    with pytest.raises(KeyError):
        write_and_fail()
    fs.delete(f"{root}/a")
    assert not fs.exists(f"{root}/a")


def test_directories_are_made_with_those_above_them_and_again(fs: FileSystem, root: str) -> None:
    for _ in range(2):
        fs.mkdirs(f"{root}/a/b/c", 0o750)
    assert fs.stat(f"{root}/a/b/c").mode == 0o750


def test_a_rename_replaces_only_what_it_may(
    fs: FileSystem, root: str, write: Callable[..., str]
) -> None:
    for name in ("a", "b"):
        write(name, name)
    with pytest.raises(FileExistsError) as raised:
        fs.rename(f"{root}/a", f"{root}/b")
    assert (raised.value.filename, raised.value.filename2) == (f"{root}/a", f"{root}/b")
    fs.rename(f"{root}/a", f"{root}/b", overwrite=True)
    assert not fs.exists(f"{root}/a")
    with fs.open_read(f"{root}/b") as reader:
        assert reader.read() == b"a"


def test_a_file_is_appended_to(fs: FileSystem, root: str, write: Callable[..., str]) -> None:
    path = write("a", b"old")
    with fs.open_append(path) as file:
        file.write(b" and")
        file.write(b" new")
    with fs.open_read(path) as reader:
        assert reader.read() == b"old and new"
    for missing, error in (("x", FileNotFoundError), ("", IsADirectoryError)):
        with pytest.raises(error):
            fs.open_append(f"{root}/{missing}".rstrip("/"))


def test_a_part_is_read_by_many_threads_and_the_offset_stays(
    fs: FileSystem, write: Callable[..., str]
) -> None:
    data = bytes(range(256)) * 4000
    with fs.open_read(write("a", data)) as reader, ThreadPoolExecutor(4) as threads:
        assert reader.read(3) == data[:3]
        offsets = range(0, len(data) + 100, 50_000)
        parts = list(threads.map(lambda offset: reader.read_at(offset, 1000), offsets))
        assert parts == [data[offset : offset + 1000] for offset in offsets]
        assert reader.read(3) == data[3:6]


def test_times_are_set_one_by_one(fs: FileSystem, write: Callable[..., str]) -> None:
    path = write("a")
    fs.set_times(path, modified_ms=1_000_000_000_001)
    assert fs.stat(path).modified_ms == 1_000_000_000_001
    fs.set_times(path, accessed_ms=2_000_000_000_000)
    assert fs.stat(path).modified_ms == 1_000_000_000_001


def test_an_owner_is_set_by_a_superuser_and_a_group_by_a_member(
    fs: FileSystem, write: Callable[..., str]
) -> None:
    path = write("a")
    fs.set_owner(path, group="people")
    assert fs.stat(path).group == "people"
    for change in ({"owner": "bob"}, {"group": "strangers"}):
        with pytest.raises(PermissionError):
            fs.set_owner(path, **change)


def test_a_umask_counts_unless_the_directory_gives_access(
    fs: FileSystem, root: str, hdfs: Callable[..., str]
) -> None:
    fs.open_write(f"{root}/a", 0o666, umask=0o027).close()
    fs.mkdirs(f"{root}/d", 0o777, umask=0o077)
    assert (fs.stat(f"{root}/a").mode, fs.stat(f"{root}/d").mode) == (0o640, 0o700)
    hdfs("dfs", "-setfacl", "-m", "default:user:bob:rw-", root)
    fs.open_write(f"{root}/b", 0o666, umask=0o077).close()
    assert "user:bob:rw-\n" in hdfs("dfs", "-getfacl", f"{root}/b")


def test_a_mode_is_set(fs: FileSystem, write: Callable[..., str]) -> None:
    path = write("a")
    fs.set_permission(path, 0o600)
    assert fs.stat(path).mode == 0o600


def test_the_number_of_copies_is_set(fs: FileSystem, write: Callable[..., str]) -> None:
    fs.set_replication(write("a"), 2)
    with pytest.raises(FileNotFoundError):
        fs.set_replication(write("a") + "-absent", 2)


def test_access_is_copied_with_the_group_where_that_is_allowed(
    fs: FileSystem, write: Callable[..., str], hdfs: Callable[..., str]
) -> None:
    source, target = write("source", mode=0o640), write("target", mode=0o600)
    for group, mode in (("people", 0o640), ("others", 0o600)):
        hdfs("dfs", "-chgrp", group, source)
        copied = fs.copy_access(source, target)
        assert copied == fs.stat(target)
        assert (copied.owner, copied.group, copied.mode) == ("alice", "people", mode)


def test_access_is_copied_with_the_acl_and_without_what_the_directory_gives(
    fs: FileSystem, root: str, write: Callable[..., str], hdfs: Callable[..., str]
) -> None:
    source, plain = write("source", mode=0o600), write("plain", mode=0o660)
    hdfs("dfs", "-setfacl", "-m", "user:bob:rw-", source)
    hdfs("dfs", "-setfacl", "-m", "default:user:bob:rwx", root)
    for original in (source, plain):
        target = write("target", mode=0o600)
        assert fs.copy_access(original, target) == fs.stat(target)
        acls = [hdfs("dfs", "-getfacl", path).split("\n", 1)[1] for path in (original, target)]
        assert acls[0] == acls[1]
        assert ("user:bob" in acls[0]) == (original == source)


def test_a_directorys_access_is_copied_with_what_it_gives_to_new_files(
    fs: FileSystem, root: str, hdfs: Callable[..., str]
) -> None:
    source, target = f"{root}/source", f"{root}/target"
    fs.mkdirs(source, 0o755)
    fs.mkdirs(target, 0o700)
    for change in (("-setfacl", "-m", "user:bob:rwx,default:user:bob:r-x"), ("-chmod", "1775")):
        hdfs("dfs", *change, source)
        assert fs.copy_access(source, target) == fs.stat(target)
        acls = [hdfs("dfs", "-getfacl", path).split("\n", 1)[1] for path in (source, target)]
        assert acls[0] == acls[1]
    assert fs.stat(target).mode == 0o1775


@pytest.mark.parametrize("umask", ["022", "u=rwx,g=rwx,o="])
def test_what_is_new_is_open_to_those_to_whom_hadoops_own_client_opens_it(
    umask: str,
    fs: FileSystem,
    kind: Kind,
    root: str,
    hadoop: MiniHadoop,
    hdfs: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(hadoop.conf_dir, tmp_path / "conf")
    site = tmp_path / "conf" / "core-site.xml"
    setting = f"<property><name>fs.permissions.umask-mode</name><value>{umask}</value></property>"
    site.write_text(site.read_text().replace("</configuration>", f"{setting}</configuration>"))
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path / "conf"))
    mine = open_filesystem(kind=kind)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file").touch()
    put = ("dfs", "-D", f"fs.permissions.umask-mode={umask}", "-put", str(tmp_path / "new"))
    for number, shared in enumerate(("", "user:bob:rwx", "group::---,default:other::rwx")):
        if shared:
            hdfs("dfs", "-setfacl", "-m", f"default:{shared}", root)
        names = [f"{root}/{whose}{number}" for whose in ("ours", "theirs")]
        mine.mkdirs(names[0])
        mine.open_write(f"{names[0]}/file").close()
        hdfs(*put, names[1])
        hdfs("dfs", "-chown", "-R", "alice", names[1])
        acls = [hdfs("dfs", "-getfacl", "-R", name).splitlines() for name in names]
        ours, theirs = ([line for line in acl if not line.startswith("# file")] for acl in acls)
        assert ours == theirs
