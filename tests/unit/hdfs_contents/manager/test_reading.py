"""Reading notebooks, files and directories."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileStatus, FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import MakeManager, Write, notebook, refused


async def test_a_directory_lists_its_files_with_their_types(
    manager: HDFSContentsManager, write: Write
) -> None:
    for path in ("d/a.ipynb", "d/b.txt", "d/sub/c", "d/.hidden", "d/x~", "d/.saving-1-" + "0" * 16):
        write(path)
    model = await manager.get("d")
    assert (model["type"], model["format"], model["path"]) == ("directory", "json", "d")
    assert [(m["name"], m["path"], m["type"]) for m in model["content"]] == [
        ("a.ipynb", "d/a.ipynb", "notebook"),
        ("b.txt", "d/b.txt", "file"),
        ("sub", "d/sub", "directory"),
    ]
    assert all(m["content"] is None and m["writable"] for m in model["content"])
    assert (await manager.get("d", content=False))["content"] is None


@pytest.mark.parametrize("time_ms", [-(2**63), 10**15, 2**63 - 1])
async def test_a_directory_is_listed_whatever_the_times_in_it_are(
    manager: HDFSContentsManager,
    fs: FileSystem,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    time_ms: int,
) -> None:
    """Any user may set any time of a file that they may write."""
    write("d/a")
    kind = type(fs)  # the manager's file system is another one of the kind
    stat, list_dir = kind.stat, kind.list_dir

    def stat_with_time(own: FileSystem, path: str) -> FileStatus:
        return stat(own, path)._replace(modified_ms=time_ms)

    def list_with_time(own: FileSystem, path: str) -> list[FileStatus]:
        return [status._replace(modified_ms=time_ms) for status in list_dir(own, path)]

    with monkeypatch.context() as patched:
        patched.setattr(kind, "stat", stat_with_time)
        patched.setattr(kind, "list_dir", list_with_time)
        (entry,) = (await manager.get("d"))["content"]
    assert entry["last_modified"].year == (1 if time_ms < 0 else 9999)


async def test_hidden_files_are_listed_if_allowed_but_never_temporary_ones(
    manager: HDFSContentsManager, write: Write
) -> None:
    write(".hidden")
    write(f".saving-1-{'0' * 16}.tmp")
    manager.allow_hidden = True
    assert [m["name"] for m in (await manager.get(""))["content"]] == [".hidden"]


async def test_a_file_is_read_as_text_or_base64(manager: HDFSContentsManager, write: Write) -> None:
    write("a.txt", "ä")
    write("blob", b"\xff")
    model = await manager.get("a.txt", require_hash=True)
    assert (model["content"], model["format"], model["mimetype"]) == ("ä", "text", "text/plain")
    assert (model["size"], model["hash_algorithm"], len(model["hash"])) == (2, "sha256", 64)
    blob = await manager.get("blob")
    assert (blob["format"], blob["mimetype"]) == ("base64", "application/octet-stream")
    assert (await manager.get("a.txt", format="base64"))["content"] == "w6Q=\n"
    assert "UTF-8" in await refused(400, manager.get("blob", format="text"))


async def test_a_notebook_can_be_read_as_a_file_but_not_the_other_way_round(
    manager: HDFSContentsManager, write: Write
) -> None:
    await manager.save(notebook("1"), "a.ipynb")
    assert (await manager.get("a.ipynb", type="file"))["format"] == "text"
    write("a.txt", "text")
    assert "not a notebook" in await refused(400, manager.get("a.txt", type="notebook"))


async def test_a_wrong_type_is_a_bad_request(manager: HDFSContentsManager, write: Write) -> None:
    write("d/a")
    assert "is a directory" in await refused(400, manager.get("d", type="file"))
    assert "is not a directory" in await refused(400, manager.get("d/a", type="directory"))
    assert "has no hash" in await refused(400, manager.get("d", require_hash=True))


async def test_files_of_a_read_only_directory_are_listed_as_not_writable(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write
) -> None:
    write("d/a")
    write("d/sub/b")

    class ReadOnly:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def check_write(self, path: str) -> None:
            if path == f"{root}/d":
                raise PermissionError(errno.EACCES, "alice may not write", path)

    manager.store.fs = ReadOnly()
    content = (await manager.get("d"))["content"]
    assert {entry["name"]: entry["writable"] for entry in content} == {"a": False, "sub": True}


async def test_the_listing_of_a_huge_directory_says_how_much_is_missing(
    make_manager: MakeManager, write: Write
) -> None:
    for number in range(5):
        write(f"d/{number}")
    write("d/.hidden")
    listed = (await make_manager(max_listed_entries=3).get("d"))["content"]
    names = [entry["name"] for entry in listed]
    assert names == ["0", "1", "2", "(2 more entries are not listed)"]
    assert listed[-1]["writable"] is False
    listed = (await make_manager(max_listed_entries=5).get("d"))["content"]
    assert [entry["name"] for entry in listed] == list("01234")
