"""Failures in the middle of a save: the file has the old content or the new, never a mix."""

from __future__ import annotations

from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from hdfs_contents.uploads import Uploads
from tests.unit.hdfs_contents.manager.interrupted import failing
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, notebook, refused, text


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("operation", ["write", "close", "copy_access", "replace"])
async def test_a_failed_save_leaves_the_file_whole_and_no_temporary_file(
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


async def test_a_save_without_the_lock_leaves_no_temporary_file(
    manager: HDFSContentsManager, fs: FileSystem, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")
    manager.store.fs = failing(fs, "rename", after=False)
    assert "rename failed" in await refused(500, manager.save(text("new"), "a"))
    assert (read("a"), names()) == (b"old", ["a"])


@pytest.mark.parametrize("operation", ["write", "close", "replace"])
async def test_a_failed_upload_leaves_the_file_unchanged(
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
