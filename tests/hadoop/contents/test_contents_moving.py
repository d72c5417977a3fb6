"""Making, moving, copying and deleting files and directories."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from hdfs_contents import HDFSContentsManager
from hdfs_contents.filesystem import FileSystem
from tests.hadoop.contents.models import Names, Read, Write, notebook, refused


async def test_a_file_moves_with_its_content_and_not_onto_another(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    for path in ("a", "b", "d/c"):
        write(path, path)
    await manager.rename("a", "d/a2")
    assert read("d/a2") == b"a"
    assert "exists already" in await refused(409, manager.rename("b", "d/c"))
    assert "exists already" in await refused(409, manager.rename("b", "d"))
    assert (await refused(404, manager.rename("a", "a3"))).startswith("a:")
    assert "directory above" in await refused(404, manager.rename("b", "x/b"))
    assert read("b") == b"b"


async def test_a_directory_moves_with_all_that_is_in_it_but_not_into_itself(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("d/e/a", "a")
    await refused(400, manager.rename("d", "d/e/d"))
    await refused(409, manager.rename("d", "d/e"))
    await manager.rename("d", "f")
    assert read("f/e/a") == b"a"


async def test_a_copy_has_a_name_of_its_own_and_the_same_bytes(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    data = bytes(range(256)) * 1000
    write("a.bin", data)
    assert (await manager.copy("a.bin"))["path"] == "a-Copy1.bin"
    assert (await manager.copy("a.bin", ""))["path"] == "a-Copy2.bin"
    assert read("a-Copy1.bin") == read("a-Copy2.bin") == data


async def test_new_files_have_names_that_nothing_has(manager: HDFSContentsManager) -> None:
    made = [(await manager.new_untitled(type=type))["path"] for type in ("notebook", "file") * 2]
    made += [(await manager.new_untitled(type="directory"))["path"] for _ in range(2)]
    assert made == [
        *("Untitled.ipynb", "untitled", "Untitled1.ipynb", "untitled1"),
        *("Untitled Folder", "Untitled Folder 1"),
    ]
    assert (await manager.get("Untitled.ipynb"))["content"]["cells"] == []


async def test_a_directory_is_deleted_when_people_see_nothing_in_it(
    manager: HDFSContentsManager, write: Write, names: Names
) -> None:
    await manager.save({"type": "directory"}, "d")
    await manager.save(notebook("1"), "d/a.ipynb")
    assert "not empty" in await refused(400, manager.delete("d"))
    await manager.delete("d/a.ipynb")
    write(f"d/.saving-1-{'0' * 16}.tmp")
    await manager.delete("d")
    write("e/.hidden")
    assert "not empty" in await refused(400, manager.delete("e"))
    manager.always_delete_dir = True
    await manager.delete("e")
    assert names() == []
    assert "no such file" in await refused(404, manager.delete("e"))


@pytest.mark.parametrize("comes_in", [False, True], ids=["cannot go", "a file comes in"])
async def test_a_directory_that_stays_keeps_its_checkpoints(
    comes_in: bool, manager: HDFSContentsManager, fs: FileSystem, write: Write, names: Names
) -> None:
    write("d/.ipynb_checkpoints/a-checkpoint", "precious")
    listed: list[str] = []

    class Busy:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def list_dir(self, path: str) -> Any:
            entries = fs.list_dir(path)
            if comes_in and not listed:
                listed.append(write("d/new", "new"))
            return entries

        def delete(self, path: str, *, recursive: bool = False) -> None:
            if not comes_in and not path.endswith("checkpoints"):
                raise PermissionError(errno.EACCES, "no", path)
            fs.delete(path, recursive=recursive)

    manager.filesystem = Busy()
    await refused(400 if comes_in else 403, manager.delete_file("d"))
    assert names() == ["d"]
    assert names("d") == [".ipynb_checkpoints"] + ["new"] * comes_in
    assert names("d/.ipynb_checkpoints") == ["a-checkpoint"]


async def test_the_root_is_neither_moved_nor_deleted(
    manager: HDFSContentsManager, fs: FileSystem, root: str
) -> None:
    manager.always_delete_dir = True
    for path in ("", "/"):
        await refused(400, manager.delete(path))
        await refused(400, manager.delete_file(path))
        await refused(400, manager.rename(path, "a"))
        await refused(400, manager.rename("a", path))
    assert fs.exists(root)
