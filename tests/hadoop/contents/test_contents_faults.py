"""What goes wrong in the middle of a save: the old content or the new, never a mix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from hadoop_client.hdfs.native import NativeFileSystem
from hdfs_contents import HDFSContentsManager
from hdfs_contents.uploads import Uploads
from tests.hadoop.contents.interrupted import failing
from tests.hadoop.contents.models import Names, Read, Write, notebook, refused, text
from yarnhub.minihadoop import MiniHadoop

Hdfs = Callable[..., str]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("operation", ["write", "close", "copy_access", "replace"])
async def test_a_save_that_fails_leaves_the_file_whole_and_nothing_beside_it(
    operation: str,
    after: bool,
    manager: HDFSContentsManager,
    fs: FileSystem,
    write: Write,
    read: Read,
    names: Names,
) -> None:
    write("a", "old")
    manager.store.fs = failing(fs, operation, after=after)
    assert f"{operation} failed" in await refused(500, manager.save(text("new"), "a"))
    assert read("a") == (b"new" if (operation, after) == ("replace", True) else b"old")
    assert names() == ["a"]


async def test_a_save_that_does_not_get_its_turn_leaves_nothing_beside_the_file(
    manager: HDFSContentsManager, fs: FileSystem, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")
    manager.store.fs = failing(fs, "rename", after=False)
    assert "rename failed" in await refused(500, manager.save(text("new"), "a"))
    assert (read("a"), names()) == (b"old", ["a"])


@pytest.mark.parametrize("operation", ["write", "close", "replace"])
async def test_an_upload_that_fails_leaves_the_file_as_it_was(
    operation: str,
    manager: HDFSContentsManager,
    fs: FileSystem,
    write: Write,
    read: Read,
    names: Names,
) -> None:
    write("a", "old")
    manager.store.uploads = Uploads(failing(fs, operation, after=False))

    async def upload() -> None:
        for chunk in (1, -1):
            await manager.save(text("new", chunk=chunk), "a")

    assert f"{operation} failed" in await refused(500, upload())
    assert (read("a"), names()) == (b"old", ["a"])


@pytest.mark.parametrize("operation", ["write", "rename"])
async def test_a_notebook_is_saved_even_if_its_checkpoint_is_not(
    operation: str,
    manager: HDFSContentsManager,
    fs: FileSystem,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checkpoint = manager.checkpoints.create_checkpoint

    async def fails(*args: Any) -> Any:
        manager.store.fs = failing(fs, operation, after=False)
        return await checkpoint(*args)

    monkeypatch.setattr(manager.checkpoints, "create_checkpoint", fails)
    await manager.save(notebook("1"), "a.ipynb")
    assert (await manager.get("a.ipynb"))["content"]["cells"][0]["source"] == "1"
    assert await manager.list_checkpoints("a.ipynb") == []


async def test_a_file_moves_even_if_its_checkpoint_does_not(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    write("a", "content")
    await manager.create_checkpoint("a")
    write("d/.ipynb_checkpoints", "a file where the directory should be")
    await manager.rename("a", "d/a")
    assert read("d/a") == b"content"


async def test_over_its_quota_of_space_a_save_keeps_what_was_there(
    manager: HDFSContentsManager, root: str, write: Write, read: Read, names: Names, hdfs: Hdfs
) -> None:
    write("a", "old")
    hdfs("dfsadmin", "-setSpaceQuota", "1m", root)
    assert "quota" in await refused(507, manager.save(text("new"), "a"))
    assert read("a") == b"old"
    assert names() == ["a"]


async def test_over_its_quota_of_names_nothing_is_made(
    manager: HDFSContentsManager, root: str, write: Write, names: Names, hdfs: Hdfs
) -> None:
    write("a", "old")
    hdfs("dfsadmin", "-setQuota", "2", root)
    assert "quota" in await refused(507, manager.save(text("new"), "b"))
    assert "quota" in await refused(507, manager.save({"type": "directory"}, "d"))
    assert names() == ["a"]


@pytest.fixture
def safe_mode(hdfs: Hdfs) -> Iterator[Callable[[], str]]:
    """Turns the NameNode's safe mode on; it is off again after the test."""
    yield lambda: hdfs("dfsadmin", "-safemode", "enter")
    hdfs("dfsadmin", "-safemode", "leave")


async def test_in_safe_mode_files_are_read_but_not_changed(
    manager: HDFSContentsManager,
    write: Write,
    read: Read,
    names: Names,
    safe_mode: Callable[[], str],
) -> None:
    write("a", "old")
    safe_mode()
    model = await manager.get("a")
    assert (model["content"], model["writable"]) == ("old", False)
    for change in (
        manager.save(text("new"), "b"),
        manager.save({"type": "directory"}, "d"),
        manager.rename("a", "b"),
        manager.delete("a"),
        manager.create_checkpoint("a"),
    ):
        assert "safe mode" in await refused(503, change)
    assert "safe mode" in await refused(503, manager.save(text("new"), "a"))
    assert read("a") == b"old"
    assert names() == ["a"]


def answers(fs: FileSystem, path: str) -> bool:
    try:
        return fs.exists(path)
    except TimeoutError:
        return False


async def test_a_namenode_that_hangs_is_an_answer_and_no_wait_without_end(
    manager: HDFSContentsManager,
    root: str,
    write: Write,
    read: Read,
    hadoop: MiniHadoop,
    wait_until: Any,
) -> None:
    write("a", "old")
    patient, manager.store.fs = manager.store.fs, NativeFileSystem(None, 0.5)
    wait_until(lambda: answers(manager.store.fs, root), 30, "it is connected")
    hadoop.namenode.suspend()
    try:
        assert "did not answer" in await refused(503, manager.get("a"))
        assert "did not answer" in await refused(503, manager.save(text("new"), "a"))
    finally:
        hadoop.namenode.resume()
    manager.store.fs = patient
    assert read("a") == b"old"
    await manager.save(text("new"), "a")
    assert read("a") == b"new"


async def test_a_namenode_that_is_away_is_an_answer(
    manager: HDFSContentsManager, write: Write
) -> None:
    write("a")
    manager.store.fs = open_filesystem("hdfs://localhost:1")
    for call in (manager.get("a"), manager.save(text("new"), "a"), manager.delete("a")):
        assert "refuses connections" in await refused(503, call)


async def test_what_another_may_not_see_is_forbidden(
    hadoop: MiniHadoop, fs: FileSystem, as_user: Callable[..., Any], root: str, write: Write
) -> None:
    write("a", "secret")
    asked = f"""
import asyncio
from hdfs_contents import HDFSContentsManager
from tornado.web import HTTPError
manager = HDFSContentsManager(root_dir="/user/bob")
manager.root_dir = {root!r}
async def answers():
    model = {{"type": "file", "format": "text", "content": ""}}
    calls = (manager.get("a"), manager.get(""), manager.save(model, "a"), manager.delete("a"))
    for answer in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(answer, HTTPError), answer
        yield answer.status_code
async def main():
    return [status async for status in answers()]
print(json.dumps(asyncio.run(main())))
"""
    assert as_user("bob", asked) == [403, 403, 403, 403]
