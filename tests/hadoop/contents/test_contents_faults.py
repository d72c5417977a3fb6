"""What goes wrong in the middle of a save: the old content or the new, never a mix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from hadoop_client.hdfs.native import NativeFileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, refused, text
from yarnhub.minihadoop import MiniHadoop

Hdfs = Callable[..., str]


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
manager.root_dir = manager.store.root = {root!r}
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
