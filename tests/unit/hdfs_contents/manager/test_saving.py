"""Saving and uploading: whole files or none."""

from __future__ import annotations

import asyncio
import errno
import threading
from copy import deepcopy
from typing import Any

import pytest
from nbformat.v4 import new_output

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, notebook, refused, text


@pytest.mark.parametrize("model", [notebook("1"), text("a")], ids=["notebook", "file"])
async def test_a_save_returns_the_model_of_the_next_get(
    model: dict[str, Any], manager: HDFSContentsManager
) -> None:
    path = "a.ipynb" if model["type"] == "notebook" else "a.txt"
    for _ in range(3):
        saved = await manager.save(dict(model), path)
        assert saved == await manager.get(path, content=False)
    got = await manager.get(path)
    assert got["type"] == model["type"]
    assert got["content"] == model["content"] or got["content"]["cells"][0]["source"] == "1"


async def test_a_notebook_with_huge_output_is_read_whole_up_to_the_limit(
    manager: HDFSContentsManager,
) -> None:
    model = notebook("plot()")
    model["content"]["cells"][0]["outputs"] = [new_output("stream", text="0123456789" * 3_000_000)]
    wanted = deepcopy(model["content"])
    await manager.save(model, "a.ipynb")
    assert (await manager.get("a.ipynb"))["content"]["cells"][0]["outputs"] == (
        wanted["cells"][0]["outputs"]
    )
    manager.max_document_size_mb = 30
    message = await refused(413, manager.get("a.ipynb"))
    assert "files over 30 MB cannot be opened here: download it" in message
    assert (await manager.get("a.ipynb", content=False))["size"] > 30_000_000


async def test_a_save_keeps_the_mode_and_leaves_nothing_behind(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, names: Names, read: Read
) -> None:
    write("a", "old", mode=0o660)
    await manager.save(text("new"), "a")
    assert fs.stat(f"{root}/a").mode == 0o660
    assert read("a") == b"new"
    assert names() == ["a"]


async def test_concurrent_saves_leave_one_of_them_whole(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")
    contents = [str(number) * 100_000 for number in range(8)]
    await asyncio.gather(*(manager.save(text(content), "a") for content in contents))
    assert read("a").decode() in contents
    assert names() == ["a"]


async def test_a_file_deleted_during_a_save_exists_afterwards(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    write("a", "old", mode=0o640)

    class Deletes:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def open_write(self, *args: Any, **more: Any) -> Any:
            fs.delete(f"{root}/a")
            return fs.open_write(*args, **more)

    manager.store.fs = Deletes()
    await manager.save(text("new"), "a")
    assert read("a") == b"new"
    assert fs.stat(f"{root}/a").mode == 0o600


async def test_readers_see_the_old_or_the_new_content_during_a_save(
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


#: nbformat would write it, but the notary could not sign it.
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
async def test_an_invalid_model_is_refused_and_changes_nothing(
    model: dict[str, Any], manager: HDFSContentsManager, names: Names
) -> None:
    await refused(400, manager.save(model, "a"))
    assert names() == []


async def test_an_invalid_notebook_is_saved_with_a_message(
    manager: HDFSContentsManager,
) -> None:
    model = notebook()
    model["content"]["cells"].append({"cell_type": "weird", "id": "a", "metadata": {}})
    assert "validation failed" in (await manager.save(model, "a.ipynb"))["message"]
    assert "validation failed" in (await manager.get("a.ipynb"))["message"]


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


async def test_numbers_that_json_does_not_have_survive_in_an_output(
    manager: HDFSContentsManager,
) -> None:
    sent = notebook("1")
    numbers = {"application/json": {"values": [float("inf"), float("-inf"), float("nan")]}}
    sent["content"]["cells"][0]["outputs"] = [new_output("display_data", data=numbers)]
    await manager.save(deepcopy(sent), "a.ipynb")
    content = (await manager.get("a.ipynb"))["content"]
    values = content["cells"][0]["outputs"][0]["data"]["application/json"]["values"]
    assert list(map(str, values)) == ["inf", "-inf", "nan"]


async def test_a_notebook_with_half_a_surrogate_pair_is_saved_and_opened_untrusted(
    manager: HDFSContentsManager, read: Read
) -> None:
    sent = notebook("print('\ud83d')")
    await manager.save(dict(sent), "a.ipynb")
    assert b"\\ud83d" in read("a.ipynb")
    model = await manager.get("a.ipynb")
    assert model["content"]["cells"][0]["source"] == "print('\ud83d')"
    assert "valid Unicode" in await refused(400, manager.trust_notebook("a.ipynb"))
    await manager.save(notebook("1"), "a.ipynb")
    assert (await manager.get("a.ipynb"))["content"]["cells"][0]["metadata"] == {"trusted": True}


async def test_a_save_succeeds_although_the_signature_cannot_be_stored(
    manager: HDFSContentsManager, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    class FullDisk:
        def __getattr__(self, name: str) -> Any:
            raise OSError(errno.ENOSPC, "no space is left")

    manager.notary.store = FullDisk()
    manager.notary.store_factory = FullDisk
    await manager.save(notebook("1"), "a.ipynb")
    assert b"cells" in read("a.ipynb")
    assert "a.ipynb is not signed" in caplog.text


async def test_a_notebook_of_version_3_without_metadata_is_refused_before_it_is_saved(
    manager: HDFSContentsManager, names: Names
) -> None:
    content = {"nbformat": 3, "nbformat_minor": 0, "worksheets": []}
    model = {"type": "notebook", "format": "json", "content": content}
    await refused(400, manager.save(model, "a.ipynb"))
    assert names() == []
