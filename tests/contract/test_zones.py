"""Encryption zones: nothing is read or written there by who has no key, and by libhdfs all is."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, Kind, open_filesystem
from hdfs_contents import HDFSContentsManager
from tests.hadoop.hdfs_files import open_anew
from yarnhub.minihadoop import MiniHadoop

TEXT = b"what nobody may read"


@pytest.fixture
def kind() -> Kind:
    """What is done without saying more; the zone's key is one that hdfs-native can't get."""
    return "auto"


@pytest.fixture
def native(fs: FileSystem) -> FileSystem:
    return open_filesystem(kind="native")


@pytest.fixture
def secret(fs: FileSystem, zone: str) -> str:
    """A file in the zone."""
    path = f"{zone}/{uuid.uuid4().hex}"
    write(fs, path, TEXT)
    return path


def write(fs: FileSystem, path: str, content: bytes) -> None:
    with open_anew(fs, path) as file:
        file.write(content)


def read(fs: FileSystem, path: str) -> bytes:
    with fs.open_read(path) as file:
        return file.read()


def test_what_is_written_in_a_zone_is_stored_encrypted_and_read_in_clear(
    fs: FileSystem, secret: str, hdfs: Callable[..., str]
) -> None:
    assert read(fs, secret) == TEXT == hdfs("dfs", "-cat", secret).encode()
    raw = hdfs("dfs", "-cat", f"/.reserved/raw{secret}", errors="replace")
    assert TEXT.decode() not in raw
    assert fs.stat(secret).size == len(TEXT)


def test_what_hadoop_has_encrypted_is_read(
    fs: FileSystem, zone: str, hdfs: Callable[..., str], tmp_path
) -> None:
    (tmp_path / "local").write_bytes(TEXT)
    path = f"{zone}/{uuid.uuid4().hex}"
    hdfs("dfs", "-put", str(tmp_path / "local"), path)
    hdfs("dfs", "-chmod", "644", path)
    assert read(fs, path) == TEXT


def test_without_the_key_hdfs_native_reads_and_writes_nothing_and_says_what_would(
    native: FileSystem, secret: str, zone: str
) -> None:
    names = [status.name for status in native.list_dir(zone)]
    for call in (
        lambda: native.open_read(secret),
        lambda: native.open_write(f"{zone}/new"),
    ):
        with pytest.raises(OSError, match='filesystem_kind to "libhdfs"') as raised:
            call()
        assert raised.value.errno == errno.ENOKEY
    assert [status.name for status in native.list_dir(zone)] == names
    assert read(open_filesystem(kind="libhdfs"), secret) == TEXT


def test_without_the_key_libhdfs_reads_and_loses_nothing_either(
    fs: FileSystem, secret: str, hadoop: MiniHadoop, as_user: Callable[..., Any]
) -> None:
    code = (
        "fs = open_filesystem(kind='libhdfs')\n"
        "def failure(call, *args, **options):\n"
        "    try:\n        call(*args, **options)\n"
        "    except OSError as error:\n        return str(error)\n"
        f"path = {secret!r}\n"
        "print(json.dumps([failure(fs.open_read, path), failure(fs.open_write, path + '.new')]))"
    )
    keys = hadoop.state.folder / "tmp" / "keys.jceks"
    keys.rename(f"{keys}.away")
    try:
        failures = as_user("alice", code)
    finally:
        Path(f"{keys}.away").replace(keys)
    assert all(failures), failures
    assert read(fs, secret) == TEXT


def test_no_jvm_is_started_outside_a_zone(
    native: FileSystem, root: str, as_user: Callable[..., Any]
) -> None:
    code = (
        "import sys\n"
        f"with fs.open_write('{root}/a') as file: file.write(b'1')\n"
        f"assert fs.open_read('{root}/a').read() == b'1'\n"
        "print(json.dumps('pyarrow' in sys.modules))"
    )
    assert as_user("alice", code) is False


def test_a_zone_without_libhdfs_is_refused_in_one_sentence(
    fs: FileSystem, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise OSError(errno.ELIBACC, "libhdfs cannot be used (there is none)")

    monkeypatch.setattr("hadoop_client.hdfs.libhdfs.LibhdfsFileSystem", missing)
    with pytest.raises(
        OSError, match=r"in an encryption zone whose key .*, and libhdfs cannot be used"
    ) as raised:
        open_filesystem().open_read(secret)
    assert raised.value.errno == errno.ENOKEY


def test_a_rename_across_the_border_is_one_to_another_file_system(
    fs: FileSystem, secret: str, zone: str
) -> None:
    write(fs, "/user/alice/plain", b"1")
    for source, target in ((secret, "/user/alice/x"), ("/user/alice/plain", f"{zone}/x")):
        with pytest.raises(OSError, match="into or out of an encryption zone") as raised:
            fs.rename(source, target)
        assert raised.value.errno == errno.EXDEV
    fs.delete("/user/alice/plain")


def test_what_is_trashed_stays_in_its_zone(fs: FileSystem, secret: str, zone: str) -> None:
    first = fs.trash(secret)
    assert first == f"{zone}/.Trash/alice/Current{secret}"
    assert read(fs, first) == TEXT
    write(fs, secret, b"again")
    second = fs.trash(secret)
    assert second != first
    assert read(fs, str(second)) == b"again"
    assert fs.trash(first) is None


@pytest.mark.parametrize("filesystem_kind", ["auto", "libhdfs"])
async def test_notebooks_are_kept_in_a_zone(
    filesystem_kind: str, fs: FileSystem, zone: str, hdfs: Callable[..., str]
) -> None:
    root = f"{zone}/{filesystem_kind}"
    manager = HDFSContentsManager(root_dir=root, filesystem_kind=filesystem_kind)
    model = {"type": "file", "format": "text", "content": TEXT.decode()}
    await manager.save(dict(model), "a.txt")
    await manager.save({**model, "content": "new"}, "a.txt")
    await manager.rename_file("a.txt", "b.txt")
    assert (await manager.get("b.txt"))["content"] == "new"
    assert hdfs("dfs", "-cat", f"{root}/b.txt") == "new"
    await manager.delete_file("b.txt")
    assert not fs.exists(f"{root}/b.txt")
    assert read(fs, f"{zone}/.Trash/alice/Current{root}/b.txt") == b"new"


async def test_what_leaves_a_zone_is_moved_by_a_copy(fs: FileSystem, zone: str) -> None:
    manager = HDFSContentsManager(root_dir="/")
    write(fs, f"{zone}/leaves", TEXT)
    await manager.rename_file(f"{zone}/leaves", "user/alice/left")
    assert not fs.exists(f"{zone}/leaves")
    assert read(fs, "/user/alice/left") == TEXT
    fs.delete("/user/alice/left")
