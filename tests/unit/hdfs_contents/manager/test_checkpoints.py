"""Checkpoints, in a hidden directory beside their files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.services.contents.checkpoints import GenericCheckpointsMixin

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from hdfs_contents.checkpoints import checkpoint_path, is_checkpoint_of
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, notebook, refused, text


async def test_a_checkpoint_is_restored_as_it_was(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read, names: Names
) -> None:
    write("d/a.txt", "first", mode=0o640)
    made = await manager.create_checkpoint("d/a.txt")
    assert await manager.list_checkpoints("d/a.txt") == [made]
    await manager.save(text("second"), "d/a.txt")
    await manager.restore_checkpoint(made["id"], "d/a.txt")
    assert read("d/a.txt") == b"first"
    assert fs.stat(f"{root}/d/a.txt").mode == 0o640
    assert names("d") == [".ipynb_checkpoints", "a.txt"]
    assert names("d/.ipynb_checkpoints") == ["a-checkpoint.txt"]


async def test_a_checkpoint_replaces_the_previous_one(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    for content in ("first", "second"):
        write("a", content)
        made = await manager.create_checkpoint("a")
    write("a", "third")
    assert await manager.list_checkpoints("a") == [made]
    await manager.restore_checkpoint("checkpoint", "a")
    assert read("a") == b"second"


async def test_a_notebook_has_a_checkpoint_from_its_first_save_on(
    manager: HDFSContentsManager,
) -> None:
    await manager.save(notebook("first"), "a.ipynb")
    first = await manager.list_checkpoints("a.ipynb")
    await manager.save(notebook("second"), "a.ipynb")
    assert await manager.list_checkpoints("a.ipynb") == first
    await manager.restore_checkpoint("checkpoint", "a.ipynb")
    assert (await manager.get("a.ipynb"))["content"]["cells"][0]["source"] == "first"


async def test_listing_changes_nothing(manager: HDFSContentsManager, names: Names) -> None:
    assert await manager.list_checkpoints("a") == []
    assert await manager.list_checkpoints("x/y") == []
    assert names() == []


async def test_checkpoints_follow_their_files_and_directories(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    for path in ("a", "d/sub/b"):
        write(path, "first")
        await manager.create_checkpoint(path)
        write(path, "second")
    await manager.rename("a", "d/c")
    await manager.rename("d", "e")
    for path in ("e/c", "e/sub/b"):
        await manager.restore_checkpoint("checkpoint", path)
        assert read(path) == b"first"
    assert await manager.list_checkpoints("a") == []


async def test_checkpoints_are_deleted_with_their_file(
    manager: HDFSContentsManager, write: Write, names: Names
) -> None:
    write("a")
    write("b")
    await manager.create_checkpoint("a")
    await manager.create_checkpoint("b")
    await manager.delete_checkpoint("checkpoint", "b")
    await manager.delete("a")
    assert names(".ipynb_checkpoints") == []


async def test_a_missing_file_is_restored_from_its_checkpoint(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    write("a", "content", mode=0o600)
    await manager.create_checkpoint("a")
    fs.delete(f"{root}/a")
    await manager.restore_checkpoint("checkpoint", "a")
    assert read("a") == b"content"
    assert fs.stat(f"{root}/a").mode == 0o600


async def test_a_checkpoint_has_the_access_of_its_file_and_not_of_what_it_replaces(
    manager: HDFSContentsManager, fs: FileSystem, write: Write, read: Read
) -> None:
    """Another user may have put a file there, in a directory that both can write to."""
    write("d/a", "secret", mode=0o600)
    planted = write("d/.ipynb_checkpoints/a-checkpoint", "theirs", mode=0o666)
    await manager.create_checkpoint("d/a")
    assert read("d/.ipynb_checkpoints/a-checkpoint") == b"secret"
    assert fs.stat(planted).mode == 0o600


async def test_a_checkpoint_follows_a_change_of_the_files_mode(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write
) -> None:
    write("a", "first", mode=0o644)
    await manager.create_checkpoint("a")
    fs.set_permission(f"{root}/a", 0o600)
    await manager.create_checkpoint("a")
    assert fs.stat(f"{root}/.ipynb_checkpoints/a-checkpoint").mode == 0o600


async def test_a_missing_file_restored_from_another_users_checkpoint_is_private(
    manager: HDFSContentsManager,
    fs: FileSystem,
    root: str,
    write: Write,
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its content gets changed later, and that user has chosen the mode."""
    write(".ipynb_checkpoints/a-checkpoint", "theirs", mode=0o666)
    with monkeypatch.context() as as_bob:
        as_bob.setattr(type(fs), "user", "bob")
        await manager.restore_checkpoint("checkpoint", "a")
    assert read("a") == b"theirs"
    assert fs.stat(f"{root}/a").mode == 0o600


async def test_a_missing_checkpoint_is_reported(manager: HDFSContentsManager, write: Write) -> None:
    write("d/a")
    assert "no checkpoint" in await refused(404, manager.restore_checkpoint("checkpoint", "d/a"))
    assert "no checkpoint" in await refused(404, manager.delete_checkpoint("checkpoint", "d/a"))
    assert "is a directory" in await refused(400, manager.create_checkpoint("d"))
    await refused(404, manager.create_checkpoint("x"))
    await manager.create_checkpoint("d/a")
    for other in ("other", "checkpoint2", "../checkpoint"):
        assert repr(other) in await refused(404, manager.restore_checkpoint(other, "d/a"))
        assert repr(other) in await refused(404, manager.delete_checkpoint(other, "d/a"))


async def test_users_who_share_a_directory_share_its_checkpoints(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write
) -> None:
    write("d/a")
    fs.set_permission(f"{root}/d", 0o775)
    await manager.create_checkpoint("d/a")
    assert fs.stat(f"{root}/d/.ipynb_checkpoints").mode == 0o775


async def test_the_root_has_no_checkpoints(
    manager: HDFSContentsManager, fs: FileSystem, root: str
) -> None:
    beside = f"/user/alice/.ipynb_checkpoints/{root.rpartition('/')[-1]}-checkpoint"
    fs.mkdirs("/user/alice/.ipynb_checkpoints")
    with fs.open_write(beside) as file:
        file.write(b"of another user")
    for path in ("", "/"):
        await refused(400, manager.create_checkpoint(path))
        await refused(400, manager.list_checkpoints(path))
        await refused(400, manager.restore_checkpoint("checkpoint", path))
        await refused(400, manager.delete_checkpoint("checkpoint", path))
    assert fs.exists(beside)
    fs.delete("/user/alice/.ipynb_checkpoints", recursive=True)


async def test_keep_is_the_number_of_checkpoints(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    manager.checkpoints.keep = 3
    made = []
    for number in range(5):
        write("a.txt", f"{number}")
        made.append(await manager.create_checkpoint("a.txt"))
    write("a-checkpoint.txt", "another file with a name like that")
    await manager.create_checkpoint("a-checkpoint.txt")
    assert await manager.list_checkpoints("a.txt") == made[2:]
    await manager.restore_checkpoint(made[2]["id"], "a.txt")
    assert read("a.txt") == b"2"
    await refused(404, manager.restore_checkpoint(made[0]["id"], "a.txt"))
    await manager.rename("a.txt", "d.txt")
    assert await manager.list_checkpoints("d.txt") == made[2:]
    await manager.delete_checkpoint(made[3]["id"], "d.txt")
    assert await manager.list_checkpoints("d.txt") == [made[2], made[4]]
    await manager.delete("d.txt")
    assert names(".ipynb_checkpoints") == ["a-checkpoint-checkpoint.txt"]


async def test_a_checkpoint_is_newer_than_the_one_before_whatever_the_clock_says(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    manager.checkpoints.keep = 3
    for number in range(3):
        write("a.txt", f"{number}")
        await manager.create_checkpoint("a.txt")
        newest = f"{root}/.ipynb_checkpoints/a-checkpoint.txt"
        fs.set_times(newest, modified_ms=2_000_000_000_000 if number == 0 else None)
    listed = await manager.list_checkpoints("a.txt")
    assert [checkpoint["id"] for checkpoint in listed] == [f"200000000000{n}" for n in range(3)]
    for number, checkpoint in enumerate(listed):
        await manager.restore_checkpoint(checkpoint["id"], "a.txt")
        assert read("a.txt") == f"{number}".encode()


@given(st.integers(0, 2**63 - 1))
def test_an_older_checkpoint_may_have_any_time(time_ms: int) -> None:
    name = checkpoint_path("/d/a.txt", time_ms).rpartition("/")[2]
    assert is_checkpoint_of(name, "/d/a.txt")
    assert not is_checkpoint_of(name, "/d/b.txt")


async def test_extensions_read_what_a_checkpoint_keeps(
    manager: HDFSContentsManager, write: Write
) -> None:
    checkpoints = manager.checkpoints
    assert isinstance(checkpoints, GenericCheckpointsMixin)  # what nbdime asks for
    await manager.save(notebook("first"), "a.ipynb")
    await manager.save(notebook("second"), "a.ipynb")
    (made,) = await manager.list_checkpoints("a.ipynb")
    for checkpoint in (made, made["id"], "checkpoint"):
        kept = await checkpoints.get_notebook_checkpoint(checkpoint, "a.ipynb")
        assert [cell["source"] for cell in kept["content"]["cells"]] == ["first"]
    write("a.txt", "first")
    made = await manager.create_checkpoint("a.txt")
    write("a.txt", "second")
    kept = await checkpoints.get_file_checkpoint(made["id"], "a.txt")
    assert kept == {"type": "file", "format": "text", "content": "first"}
