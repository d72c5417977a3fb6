"""Creating, moving, copying and deleting files and directories."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from tornado.web import HTTPError

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, notebook, refused


async def test_a_directory_moves_with_its_contents_but_not_into_itself(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("d/e/a", "a")
    await refused(400, manager.rename("d", "d/e/d"))
    await refused(409, manager.rename("d", "d/e"))
    await manager.rename("d", "f")
    assert read("f/e/a") == b"a"


async def test_a_copy_has_a_new_name_and_the_same_bytes(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    data = bytes(range(256)) * 1000
    write("a.bin", data)
    assert (await manager.copy("a.bin"))["path"] == "a-Copy1.bin"
    assert (await manager.copy("a.bin", ""))["path"] == "a-Copy2.bin"
    assert read("a-Copy1.bin") == read("a-Copy2.bin") == data
    assert names() == ["a-Copy1.bin", "a-Copy2.bin", "a.bin"]


async def test_a_copy_goes_to_the_given_path_but_replaces_nothing(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    write("a", "a", mode=0o600)
    write("d/b", "b")
    assert (await manager.copy("a", "d"))["path"] == "d/a"
    assert (await manager.copy("d/a", "d"))["path"] == "d/a-Copy1"
    assert (await manager.copy("a", "d/new name"))["path"] == "d/new name"
    assert (read("d/new name"), fs.stat(f"{root}/d/new name").mode) == (b"a", 0o600)
    assert "already exists" in await refused(409, manager.copy("a", "d/b"))
    assert "directory x does not exist" in await refused(404, manager.copy("a", "x/a"))
    await refused(404, manager.copy("missing"))
    assert read("d/b") == b"b"


async def test_a_copied_notebook_is_as_trusted_as_the_original_and_has_a_checkpoint(
    manager: HDFSContentsManager,
) -> None:
    await manager.save(notebook("1"), "a.ipynb")
    copied = await manager.copy("a.ipynb")
    assert (copied["type"], copied["content"]) == ("notebook", None)
    cells = (await manager.get(copied["path"]))["content"]["cells"]
    assert cells[0]["metadata"]["trusted"]
    assert len(await manager.list_checkpoints(copied["path"])) == 1


async def test_a_directory_is_copied_with_its_contents(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    write("d/e/f.bin", bytes(range(256)) * 20_000)
    write("d/.hidden", "h")
    write(f"d/.saving-1-{'0' * 16}.tmp", "unfinished")
    await manager.save({"type": "directory"}, "d/empty")
    copied = await manager.copy("d")
    assert (copied["path"], copied["type"]) == ("d-Copy1", "directory")
    assert names("d-Copy1") == [".hidden", "e", "empty"]
    assert read("d-Copy1/e/f.bin") == read("d/e/f.bin")
    assert "into itself" in await refused(400, manager.copy("d", "d/e"))
    assert (await manager.copy("d/empty", "new/x"))["path"] == "new/x/empty"
    manager.max_copy_folder_size_mb = 4
    assert "use hdfs dfs -cp" in await refused(413, manager.copy("d"))
    assert names() == ["d", "d-Copy1", "new"]


async def test_a_read_only_directory_is_copied_with_its_mode(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    write("d/sub/a", "a")
    fs.set_permission(f"{root}/d/sub", 0o555)
    await manager.copy("d")
    assert read("d-Copy1/sub/a") == b"a"
    assert fs.stat(f"{root}/d-Copy1/sub").mode == 0o555
    for name in ("d", "d-Copy1"):
        fs.set_permission(f"{root}/{name}/sub", 0o755)


class NoPlace:
    """A file system whose trash has no place for anything."""

    def __init__(self, fs: FileSystem, reason: int) -> None:
        self._fs = fs
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def trash(self, path: str) -> None:
        raise OSError(self._reason, "the quota of /user/alice is exceeded", path)


@pytest.mark.parametrize(
    ("reason", "status"),
    [(errno.EDQUOT, 507), (errno.ENAMETOOLONG, 400), (errno.EXDEV, 400), (errno.EACCES, 403)],
)
async def test_a_file_that_the_trash_rejects_is_kept(
    reason: int, status: int, manager: HDFSContentsManager, fs: FileSystem, read: Read, write: Write
) -> None:
    write("a", "a")
    manager.store.fs = NoPlace(fs, reason)
    assert "moved to the trash" in await refused(status, manager.delete("a"))
    assert read("a") == b"a"


@pytest.mark.parametrize(("reason", "status"), [(errno.EDQUOT, 507), (errno.EXDEV, 400)])
async def test_what_the_trash_has_no_place_for_is_deleted_by_a_second_request(
    reason: int,
    status: int,
    manager: HDFSContentsManager,
    fs: FileSystem,
    write: Write,
    names: Names,
) -> None:
    write("a", "a")
    write("d/b", "b")
    manager.store.fs = NoPlace(fs, reason)
    assert "delete it again within 5 minutes" in await refused(status, manager.delete("a"))
    write("a", "changed")
    await refused(status, manager.delete("a"))
    await manager.delete("a")
    assert "Delete its files first" in await refused(status, manager.delete("d"))
    await refused(400, manager.delete("d"))
    assert names() == ["d"]


async def test_a_delete_that_was_asked_about_long_ago_is_asked_about_again(
    manager: HDFSContentsManager, fs: FileSystem, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a", "a")
    manager.store.fs = NoPlace(fs, errno.EDQUOT)
    await refused(507, manager.delete("a"))
    monkeypatch.setattr("hdfs_contents.permanent_deletes.CONFIRMATION_SECONDS", 0.0)
    await refused(507, manager.delete("a"))


async def test_a_deletion_succeeds_although_its_checkpoints_cannot_be_deleted(
    manager: HDFSContentsManager, fs: FileSystem, write: Write, names: Names
) -> None:
    class Refuses:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def stat(self, path: str) -> Any:
            if "checkpoint" in path:
                raise PermissionError(errno.EACCES, "alice may not enter it", path)
            return fs.stat(path)

    write("a", "a")
    manager.store.fs = Refuses()
    await manager.delete("a")
    assert names() == []


async def test_new_files_have_unused_names(manager: HDFSContentsManager) -> None:
    made = [(await manager.new_untitled(type=type))["path"] for type in ("notebook", "file") * 2]
    made += [(await manager.new_untitled(type="directory"))["path"] for _ in range(2)]
    assert made == [
        *("Untitled.ipynb", "untitled", "Untitled1.ipynb", "untitled1"),
        *("Untitled Folder", "Untitled Folder 1"),
    ]
    assert (await manager.get("Untitled.ipynb"))["content"]["cells"] == []


async def test_a_directory_without_visible_entries_is_deleted(
    manager: HDFSContentsManager, write: Write, names: Names
) -> None:
    manager.delete_to_trash = False
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


@pytest.mark.parametrize("disguise", [".ipynb_checkpoints/thesis", f".saving-1-{'0' * 16}.tmp"])
async def test_a_directory_that_another_user_hid_in_a_deleted_one_is_kept(
    disguise: str, manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    manager.delete_to_trash = False
    write(f"d/{disguise}/results.csv", "years of work")
    with pytest.raises(HTTPError):
        await manager.delete("d")
    assert read(f"d/{disguise}/results.csv") == b"years of work"


@pytest.mark.parametrize("comes_in", [False, True], ids=["cannot go", "a file comes in"])
async def test_a_directory_that_stays_keeps_its_checkpoints(
    comes_in: bool, manager: HDFSContentsManager, fs: FileSystem, write: Write, names: Names
) -> None:
    manager.delete_to_trash = False
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

    manager.store.fs = Busy()
    await refused(400 if comes_in else 403, manager.delete_file("d"))
    assert names() == ["d"]
    assert names("d") == [".ipynb_checkpoints"] + ["new"] * comes_in
    assert names("d/.ipynb_checkpoints") == ["a-checkpoint"]


async def test_the_root_cannot_be_moved_or_deleted(
    manager: HDFSContentsManager, fs: FileSystem, root: str
) -> None:
    manager.always_delete_dir = True
    for path in ("", "/"):
        await refused(400, manager.delete(path))
        await refused(400, manager.delete_file(path))
        await refused(400, manager.rename(path, "a"))
        await refused(400, manager.rename("a", path))
    assert fs.exists(root)
