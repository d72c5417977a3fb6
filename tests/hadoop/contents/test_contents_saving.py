"""Saving and uploading: whole files or none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tornado.web import HTTPError

from hdfs_contents import HDFSContentsManager
from hdfs_contents.filesystem import FileSystem
from tests.hadoop.contents.models import Names, Read, Write, notebook, refused, text


@pytest.mark.parametrize("model", [notebook("1"), text("a")], ids=["notebook", "file"])
async def test_a_save_returns_what_the_next_get_says(
    model: dict[str, Any], manager: HDFSContentsManager
) -> None:
    path = "a.ipynb" if model["type"] == "notebook" else "a.txt"
    for _ in range(3):
        saved = await manager.save(dict(model), path)
        assert saved == await manager.get(path, content=False)
    got = await manager.get(path)
    assert got["type"] == model["type"]
    assert got["content"] == model["content"] or got["content"]["cells"][0]["source"] == "1"


async def test_a_save_keeps_the_mode_and_leaves_nothing_behind(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, names: Names, read: Read
) -> None:
    write("a", "old", mode=0o660)
    await manager.save(text("new"), "a")
    assert fs.stat(f"{root}/a").mode == 0o660
    assert read("a") == b"new"
    assert names() == ["a"]


async def test_a_save_keeps_the_acl_and_gives_nobody_more(
    manager: HDFSContentsManager, write: Write, read: Read, hdfs: Callable[..., str]
) -> None:
    path = write("a", "old", mode=0o600)
    hdfs("dfs", "-setfacl", "-m", "user:bob:rw-", path)
    before = hdfs("dfs", "-getfacl", path)
    assert "group::---" in before
    await manager.save(text("new"), "a")
    assert (hdfs("dfs", "-getfacl", path), read("a")) == (before, b"new")
    await manager.save(text("up", chunk=1), "a")
    await manager.save(text("load", chunk=-1), "a")
    assert (hdfs("dfs", "-getfacl", path), read("a")) == (before, b"upload")


async def test_a_file_that_may_not_be_written_is_not_replaced(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("a", "old", mode=0o444)
    assert "Permission denied" in await refused(403, manager.save(text("new"), "a"))
    assert read("a") == b"old"


async def test_saves_at_the_same_time_leave_one_of_them_whole(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")
    contents = [str(number) * 100_000 for number in range(8)]
    await asyncio.gather(*(manager.save(text(content), "a") for content in contents))
    assert read("a").decode() in contents
    assert names() == ["a"]


async def test_of_two_who_make_a_file_at_once_the_second_is_told(
    manager: HDFSContentsManager, read: Read, names: Names
) -> None:
    contents = [str(number) * 100_000 for number in range(2)]
    both_looked = threading.Barrier(2)
    filesystem = manager.filesystem

    class LooksTogether:
        def __getattr__(self, name: str) -> Any:
            return getattr(filesystem, name)

        def open_write(self, *args: Any, **more: Any) -> Any:
            both_looked.wait(30)
            return filesystem.open_write(*args, **more)

    manager.filesystem = LooksTogether()
    answers = await asyncio.gather(
        *(manager.save(text(content), "a") for content in contents), return_exceptions=True
    )
    told = [isinstance(answer, HTTPError) and answer.status_code for answer in answers]
    assert sorted(told) == [False, 409]
    assert read("a").decode() == contents[told.index(False)]
    assert names() == ["a"]


async def test_a_file_that_goes_while_it_is_saved_is_there_afterwards(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    write("a", "old", mode=0o640)

    class Deletes:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def open_write(self, *args: Any, **more: Any) -> Any:
            fs.delete(f"{root}/a")
            return fs.open_write(*args, **more)

    manager.filesystem = Deletes()
    await manager.save(text("new"), "a")
    assert read("a") == b"new"
    assert fs.stat(f"{root}/a").mode == 0o600


async def test_readers_see_the_old_content_or_the_new_while_it_is_saved(
    manager: HDFSContentsManager, read: Read
) -> None:
    contents = [letter * 200_000 for letter in "abcd"]
    await manager.save(text(contents[0]), "a")
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(read("a"))

    looking = asyncio.get_running_loop().run_in_executor(None, look)
    try:
        for content in contents:
            await manager.save(text(content), "a")
    finally:
        done.set()
        await looking
    assert seen <= {content.encode() for content in contents}


#: nbformat would write it, but nobody could sign it.
NO_OUTPUTS = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": ""}],
}


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"type": "file"},
        {"type": "weird", "content": ""},
        text("", format="json"),
        {"type": "file", "format": "text", "content": 5},
        {"type": "notebook", "content": "text"},
        {"type": "notebook", "content": {}},
        {"type": "notebook", "content": NO_OUTPUTS},
        text("", chunk=0),
        text("", chunk="1"),
        text("", chunk=1.5),
        {**notebook(), "chunk": 1},
    ],
)
async def test_what_is_no_model_is_refused_and_changes_nothing(
    model: dict[str, Any], manager: HDFSContentsManager, names: Names
) -> None:
    await refused(400, manager.save(model, "a"))
    assert names() == []


async def test_a_notebook_that_does_not_validate_is_saved_with_a_message(
    manager: HDFSContentsManager,
) -> None:
    model = notebook()
    model["content"]["cells"].append({"cell_type": "weird", "id": "a", "metadata": {}})
    assert "validation failed" in (await manager.save(model, "a.ipynb"))["message"]
    assert "validation failed" in (await manager.get("a.ipynb"))["message"]


async def test_a_save_has_a_place_or_says_that_there_is_none(
    manager: HDFSContentsManager, write: Write
) -> None:
    write("d/a")
    assert "directory above" in await refused(404, manager.save(text(""), "x/a"))
    assert "directory above" in await refused(404, manager.save({"type": "directory"}, "x/y"))
    assert "a part of the path" in await refused(404, manager.save(text(""), "d/a/b"))
    assert "is a directory" in await refused(400, manager.save(text(""), "d"))
    assert "is a directory" in await refused(400, manager.save(text(""), ""))
    assert "not a directory" in await refused(400, manager.save({"type": "directory"}, "d/a"))
    assert (await manager.save({"type": "directory"}, "d"))["type"] == "directory"


async def test_hooks_run_before_and_after_a_save(
    manager: HDFSContentsManager, root: str, read: Read
) -> None:
    after: list[tuple[str, str]] = []

    def before_saving(model: dict[str, Any], **_: object) -> None:
        model["content"] += "!"

    def after_saving(model: dict[str, Any], os_path: str, **_: object) -> None:
        after.append((model["path"], os_path))

    manager.register_pre_save_hook(before_saving)
    manager.register_post_save_hook(after_saving)
    await manager.save(text("a"), "a.txt")
    assert read("a.txt") == b"a!"
    assert after == [("a.txt", f"{root}/a.txt")]


async def test_chunks_are_joined_in_the_order_in_which_they_come(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read, names: Names
) -> None:
    write("a.txt", "what was there before", mode=0o640)
    for chunk, content, size in ((1, "ab", 2), (2, "cd", 4), (3, "", 4)):
        saved = await manager.save(text(content, chunk=chunk), "a.txt")
        assert (saved["path"], saved["size"]) == ("a.txt", size)
        assert read("a.txt") == b"what was there before"
    saved = await manager.save(text("ef", chunk=-1), "a.txt")
    assert saved == await manager.get("a.txt", content=False)
    assert read("a.txt") == b"abcdef"
    assert fs.stat(f"{root}/a.txt").mode == 0o640
    assert names() == ["a.txt"]


async def test_an_upload_that_starts_again_has_nothing_of_the_one_before(
    manager: HDFSContentsManager, read: Read, names: Names
) -> None:
    for chunk, content in ((1, "abandoned"), (2, "too"), (1, "ab"), (-1, "cd")):
        await manager.save(text(content, chunk=chunk), "a.txt")
    assert read("a.txt") == b"abcd"
    assert names() == ["a.txt"]


async def test_a_chunk_without_a_first_one_goes_to_the_end_of_the_file(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("a.txt", "ab")
    await manager.save(text("cd", chunk=-1), "a.txt")
    await manager.save(text("new", chunk=2), "b.txt")
    assert (read("a.txt"), read("b.txt")) == (b"abcd", b"new")
