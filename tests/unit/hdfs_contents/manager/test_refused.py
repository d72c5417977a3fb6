"""Paths and names that each operation refuses, and unusual ones that it accepts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from tornado.web import HTTPError

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, refused, text

VERBS: dict[str, Callable[[HDFSContentsManager, str], Awaitable[object]]] = {
    "get": lambda m, path: m.get(path),
    "save": lambda m, path: m.save(text("new"), path),
    "upload": lambda m, path: m.save(text("new", chunk=2), path),
    "mkdir": lambda m, path: m.save({"type": "directory"}, path),
    "delete": lambda m, path: m.delete(path),
    "rename from": lambda m, path: m.rename(path, "new"),
    "rename to": lambda m, path: m.rename("here", path),
    "copy from": lambda m, path: m.copy(path),
    "copy to": lambda m, path: m.copy("here", path),
    "create checkpoint": lambda m, path: m.create_checkpoint(path),
    "list checkpoints": lambda m, path: m.list_checkpoints(path),
    "restore checkpoint": lambda m, path: m.restore_checkpoint("checkpoint", path),
    "delete checkpoint": lambda m, path: m.delete_checkpoint("checkpoint", path),
    "trust": lambda m, path: m.trust_notebook(path),
}
BAD_PATHS = [
    *("..", "a/../../b", "../{sibling}/x", "%2e%2e/x", "a//b", "here/./x", "here/../x"),
    *("a\0b", "a\\b", "a:b", "hdfs://h/x", "\udc80"),
]
NO_PLACES = ["here/x", "n" * 300, "ä" * 200, "nowhere/" + "n" * 300]


@pytest.mark.parametrize("verb", VERBS)
async def test_no_operation_leaves_the_root_or_accepts_an_invalid_name(
    verb: str, manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write
) -> None:
    sibling = f"{root}2"
    fs.mkdirs(sibling)
    with fs.open_write(f"{sibling}/x") as file:
        file.write(b"of another user")
    write("here")
    before = [fs.list_dir(root), fs.list_dir(sibling)]
    for path in BAD_PATHS:
        with pytest.raises(HTTPError) as raised:
            await VERBS[verb](manager, path.format(sibling=sibling.rpartition("/")[-1]))
        assert raised.value.status_code in (400, 404)
    assert [fs.list_dir(root), fs.list_dir(sibling)] == before
    fs.delete(sibling, recursive=True)


@pytest.mark.parametrize("verb", VERBS)
async def test_no_operation_creates_anything_below_a_file_or_a_missing_directory(
    verb: str, manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    write("here", "here")
    for path in NO_PLACES:
        if verb == "list checkpoints":
            assert await VERBS[verb](manager, path) == []
            continue
        with pytest.raises(HTTPError) as raised:
            await VERBS[verb](manager, path)
        assert raised.value.status_code in (400, 404)
    assert (read("here"), names()) == (b"here", ["here"])


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("path", [".hidden", ".d/visible", "d/.hidden"])
async def test_no_operation_touches_hidden_files_unless_they_are_allowed(
    verb: str, path: str, manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write(path, "hidden")
    write("here", "here")
    with pytest.raises(HTTPError) as raised:
        await VERBS[verb](manager, path)
    assert raised.value.status_code in (400, 404)
    assert (read(path), read("here")) == (b"hidden", b"here")


async def test_hidden_files_behave_like_others_if_they_are_allowed(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    manager.allow_hidden = True
    await manager.save({"type": "directory"}, ".d")
    await manager.save(text("a"), ".d/.a")
    await manager.create_checkpoint(".d/.a")
    await manager.rename(".d/.a", ".d/.b")
    assert (await manager.get(".d/.b"))["content"] == "a"
    assert await manager.is_hidden(".d/.b")
    await manager.delete(".d/.b")
    assert not await manager.exists(".d/.b")


ODD_NAMES = [
    "a b",
    "ä日本",
    "50% off",
    "%20",
    "#?&+",
    "'\"`$(x)",
    "new\nline",
    "~",
    "-rf",
    "*",
    "tab\t",
    "\x01\x7f",
    "n\u0303 or ñ",
    "\u202egnp",
    "😀",
    " around ",
    "a;b&c=d",
    "<b>",
    "{a,b}[0-9]",
]


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_an_unusual_name_that_hdfs_allows_behaves_like_others(
    name: str, manager: HDFSContentsManager, names: Names
) -> None:
    await use_like_others(name, manager, names)


async def use_like_others(name: str, manager: HDFSContentsManager, names: Names) -> None:
    """Use a name for a directory and for a file, with each operation."""
    path = f"{name}.txt"
    await manager.save({"type": "directory"}, name)
    await manager.save(text("1"), path)
    checkpoint = await manager.create_checkpoint(path)
    await manager.save(text("2", chunk=1), path)
    await manager.save(text("3", chunk=-1), path)
    assert (await manager.get(path))["content"] == "23"
    await manager.restore_checkpoint(checkpoint["id"], path)
    copied = await manager.copy(path, name)
    assert copied["path"] == f"{name}/{path}"
    assert (await manager.get(copied["path"]))["content"] == "1"
    listed = filter(manager.should_list, [name, path])  # names ending in a tilde are hidden
    assert sorted(m["name"] for m in (await manager.get(""))["content"]) == sorted(listed)
    await manager.rename(path, f"{name}/2 {path}")
    for gone in (copied["path"], f"{name}/2 {path}", name):
        await manager.delete(gone)
    assert names() in ([], [".ipynb_checkpoints"])  # an empty directory stays


@pytest.mark.parametrize("name", ["a:b", "n" * 256, "n" * 300, "ä" * 200])
async def test_a_name_that_hdfs_does_not_allow_is_a_bad_request(
    name: str, manager: HDFSContentsManager, names: Names
) -> None:
    await refused(400, manager.save(text("1"), name))
    assert names() == []
