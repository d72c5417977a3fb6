"""What only HDFS has: permissions and ACLs, quotas, a trash, long names, and errors of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hdfs_native
import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.paths import lock_path
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import (
    MakeManager,
    Names,
    Read,
    Write,
    refused,
    text,
)
from tests.unit.hdfs_contents.manager.test_refused import use_like_others
from yarnhub.minihadoop import MiniHadoop


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


async def test_who_shares_a_directory_by_its_default_acl_saves_what_others_have_made_there(
    manager: HDFSContentsManager,
    fs: FileSystem,
    root: str,
    read: Read,
    hdfs: Callable[..., str],
    as_user: Callable[..., Any],
) -> None:
    hdfs("dfs", "-setfacl", "-m", "user:bob:rwx,default:user:bob:rwx", root)
    await manager.save(text("alice's"), "a")
    await manager.save({"type": "directory"}, "d")
    await manager.save(text("alice's", chunk=1), "d/b")
    await manager.save(text("too", chunk=-1), "d/b")
    saves = f"""
import asyncio
from hdfs_contents import HDFSContentsManager
manager = HDFSContentsManager(root_dir={root!r})
async def save():
    for path in ("a", "d/b"):
        await manager.save({{"type": "file", "format": "text", "content": "bob's"}}, path)
asyncio.run(save())
"""
    fs.set_permission("/user/alice", 0o711)
    try:
        as_user("bob", saves)
    finally:
        fs.set_permission("/user/alice", 0o700)
    assert read("a") == read("d/b") == b"bob's"
    # They are bob's now, and alice's as before.
    for path in ("a", "d/b"):
        await manager.get(path)
        await manager.save(text("alice's again"), path)
    assert read("a") == b"alice's again"


async def test_a_file_that_may_not_be_written_is_not_replaced(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("a", "old", mode=0o444)
    assert "Permission denied" in await refused(403, manager.save(text("new"), "a"))
    assert read("a") == b"old"


async def test_a_copy_is_open_to_those_to_whom_its_original_is(
    manager: HDFSContentsManager, root: str, write: Write, hdfs: Callable[..., str]
) -> None:
    write("d/secret", mode=0o600)
    hdfs("dfs", "-setfacl", "-m", "user:bob:rw-", f"{root}/d/secret")
    hdfs("dfs", "-setfacl", "-m", "user:bob:rwx,default:user:bob:rwx", f"{root}/d")
    await manager.copy("d")
    await manager.copy("d/secret", "")
    copies = {"d-Copy1": "d", "d-Copy1/secret": "d/secret", "secret": "d/secret"}
    for copied, original in copies.items():
        acls = [hdfs("dfs", "-getfacl", f"{root}/{path}") for path in (original, copied)]
        assert acls[0].split("\n", 1)[1] == acls[1].split("\n", 1)[1]


async def test_a_copy_in_a_directory_of_another_group_is_not_open_to_that_one(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, hdfs: Callable[..., str]
) -> None:
    hdfs("dfs", "-chgrp", "others", write("a", mode=0o640))
    await manager.copy("a")
    copied = fs.stat(f"{root}/a-Copy1")
    assert (copied.group, copied.mode) == (fs.stat(root).group, 0o600)


async def test_a_copy_that_fails_leaves_nothing(
    manager: HDFSContentsManager, write: Write, names: Names, hdfs: Callable[..., str], root: str
) -> None:
    for number in range(3):
        write(f"d/{number}", "x" * 1000)
    hdfs("dfsadmin", "-setQuota", "7", root)
    assert "quota" in await refused(507, manager.copy("d"))
    assert names() == ["d"]


@pytest.mark.smoke
async def test_what_is_deleted_is_in_the_trash_where_the_cluster_has_one(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, names: Names
) -> None:
    trash = f"/user/alice/.Trash/Current{root}"
    write("a", "a")
    write("d/b", "b")
    await manager.delete("a")
    await manager.delete("d")
    assert names() == []
    assert [status.name for status in fs.list_dir(trash)] == ["a", "d"]
    assert fs.stat(f"{trash}/d/b").size == 1
    write("a", "another")
    await manager.delete("a")  # beside the first one
    assert len(fs.list_dir(trash)) == 3
    fs.delete(trash, recursive=True)


async def test_a_file_is_deleted_although_the_trash_has_another_by_its_directorys_name(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, names: Names
) -> None:
    write("data", "a file")
    await manager.delete("data")
    write("data/a", "in a directory")
    await manager.delete("data/a")
    await manager.delete("data")
    assert names() == []
    trash = f"/user/alice/.Trash/Current{root}"
    assert fs.stat(f"{trash}/data").size == len("a file")
    fs.delete(trash, recursive=True)


async def test_another_users_file_in_a_directory_with_the_sticky_bit_is_saved_if_it_may_be_written(
    manager: HDFSContentsManager,
    root: str,
    read: Read,
    write: Write,
    hdfs: Callable[..., str],
) -> None:
    path = write("a", "bob's", mode=0o666)
    hdfs("dfs", "-chown", "bob", path, root)
    hdfs("dfs", "-chmod", "1777", root)
    assert (await manager.get("a"))["writable"] is True
    await manager.save(text("alice's"), "a")
    assert read("a") == b"alice's"
    hdfs("dfs", "-chown", "alice", root)


async def test_another_users_lock_in_a_directory_with_the_sticky_bit_stops_no_save(
    manager: HDFSContentsManager,
    fs: FileSystem,
    root: str,
    read: Read,
    write: Write,
    names: Names,
    hdfs: Callable[..., str],
) -> None:
    lock = write(lock_path(write("a", "old", mode=0o666)).rpartition("/")[2], "bob's")
    fs.set_times(lock, modified_ms=10**15)
    hdfs("dfs", "-chown", "bob", lock, root)
    hdfs("dfs", "-chmod", "1777", root)
    with pytest.raises(PermissionError):
        fs.delete(lock)
    await manager.save(text("new"), "a")
    assert (read("a"), names()) == (b"new", ["a"])
    hdfs("dfs", "-chown", "alice", root)


async def test_a_file_that_may_not_be_written_is_not_restored_either(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read
) -> None:
    write("a", "first")
    await manager.create_checkpoint("a")
    write("a", "second")
    fs.set_permission(f"{root}/a", 0o444)
    await refused(403, manager.restore_checkpoint("checkpoint", "a"))
    assert read("a") == b"second"


async def test_checkpoints_are_open_to_nobody_to_whom_their_directory_is_not(
    manager: HDFSContentsManager, root: str, write: Write, names: Names, hdfs: Callable[..., str]
) -> None:
    write("d/a")
    hdfs("dfs", "-setfacl", "-m", "user:bob:rwx", f"{root}/d")  # the mask is wider than the group
    await manager.create_checkpoint("d/a")
    acls = [hdfs("dfs", "-getfacl", f"{root}/{path}") for path in ("d", "d/.ipynb_checkpoints")]
    assert "group::r-x" in acls[1]
    assert acls[0].split("\n", 1)[1] == acls[1].split("\n", 1)[1]
    assert names("d") == [".ipynb_checkpoints", "a"]


async def test_writable_is_what_the_namenode_says(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write
) -> None:
    write("a")
    write("b", mode=0o444)
    assert (await manager.get("a"))["writable"] is True
    assert (await manager.get("b"))["writable"] is False
    assert [m["writable"] for m in (await manager.get(""))["content"]] == [True, False]
    fs.set_permission(root, 0o500)  # nothing in it can be replaced
    assert (await manager.get("a"))["writable"] is False
    assert (await manager.get(""))["writable"] is False
    fs.set_permission(root, 0o700)


async def test_writable_is_what_an_acl_says(
    manager: HDFSContentsManager, write: Write, read: Read, hdfs: Callable[..., str]
) -> None:
    path = write("a", mode=0o644)
    hdfs("dfs", "-chown", "bob", path)
    assert (await manager.get("a"))["writable"] is False
    await refused(403, manager.save(text("mine"), "a"))
    hdfs("dfs", "-setfacl", "-m", "user:alice:rw-", path)
    assert (await manager.get("a"))["writable"] is True
    await manager.save(text("mine"), "a")
    assert read("a") == b"mine"


@pytest.mark.smoke
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


async def test_what_came_in_while_a_file_was_uploaded_is_not_replaced(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    await manager.save(text("one", chunk=1), "new.txt")
    write("new.txt", "somebody else's")
    assert "already exists" in await refused(409, manager.save(text("", chunk=-1), "new.txt"))
    await manager.save(text("one", chunk=1), "new.txt")
    write("new.txt", "changed by somebody else")
    assert "has changed it" in await refused(409, manager.save(text("", chunk=-1), "new.txt"))
    assert (read("new.txt"), names()) == (b"changed by somebody else", ["new.txt"])


async def test_a_file_moves_with_its_content_and_not_onto_another(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    for path in ("a", "b", "d/c"):
        write(path, path)
    await manager.rename("a", "d/a2")
    assert read("d/a2") == b"a"
    assert "already exists" in await refused(409, manager.rename("b", "d/c"))
    assert "already exists" in await refused(409, manager.rename("b", "d"))
    assert (await refused(404, manager.rename("a", "a3"))).startswith("a:")
    assert "directory above" in await refused(404, manager.rename("b", "x/b"))
    assert read("b") == b"b"


async def test_a_long_name_is_a_name_like_others(
    manager: HDFSContentsManager, names: Names
) -> None:
    await use_like_others("a" * 240, manager, names)


async def test_a_directory_with_snapshots_is_neither_renamed_nor_deleted(
    manager: HDFSContentsManager, root: str, write: Write, names: Names, hdfs: Callable[..., str]
) -> None:
    write("d/sub/a", "a")
    hdfs("dfsadmin", "-allowSnapshot", f"{root}/d/sub")
    hdfs("dfs", "-createSnapshot", f"{root}/d/sub", "first")
    for change in (manager.delete("d"), manager.rename("d", "e"), manager.delete("d/sub")):
        assert "hdfs dfs -deleteSnapshot" in await refused(403, change)
    manager.allow_hidden = True
    assert "in a snapshot" in await refused(403, manager.delete("d/sub/.snapshot/first/a"))
    listed = (await manager.get("d/sub/.snapshot/first"))["content"]
    assert [(entry["name"], entry["writable"]) for entry in listed] == [("a", False)]
    hdfs("dfs", "-deleteSnapshot", f"{root}/d/sub", "first")
    hdfs("dfsadmin", "-disallowSnapshot", f"{root}/d/sub")
    await manager.delete("d")
    assert names() == []


async def test_with_a_full_quota_of_names_a_file_can_be_deleted_after_a_warning(
    manager: HDFSContentsManager, root: str, write: Write, names: Names, hdfs: Callable[..., str]
) -> None:
    write("a", "a")
    write("b", "b")
    hdfs("dfs", "-rm", "-r", "-f", "-skipTrash", "/user/alice/.Trash")
    directories, files = hdfs("dfs", "-count", "/user/alice").split()[:2]
    hdfs("dfsadmin", "-setQuota", str(int(directories) + int(files)), "/user/alice")
    try:
        assert "delete it again" in await refused(507, manager.delete("a"))
        await manager.delete("a")
        write("c", "c")
        assert "in your trash" in await refused(507, manager.save({"type": "directory"}, "d"))
    finally:
        hdfs("dfsadmin", "-clrQuota", "/user/alice")
    assert names() == ["b", "c"]


async def test_a_long_name_can_be_deleted_twice_and_its_checkpoint_is_what_is_too_long(
    manager: HDFSContentsManager, write: Write, names: Names
) -> None:
    name = "n" * 250
    write(name)
    assert "checkpoint" in await refused(400, manager.create_checkpoint(name))
    await manager.delete(name)
    write(name)
    assert "delete it again" in await refused(400, manager.delete(name))
    await manager.delete(name)
    assert name not in names()


async def test_a_file_is_deleted_although_its_checkpoints_are_not_the_users(
    manager: HDFSContentsManager, root: str, write: Write, names: Names, hdfs: Callable[..., str]
) -> None:
    write("a")
    write(".ipynb_checkpoints/a-checkpoint")
    hdfs("dfs", "-chmod", "700", f"{root}/.ipynb_checkpoints")
    hdfs("dfs", "-chown", "bob", f"{root}/.ipynb_checkpoints")
    await manager.delete("a")
    assert names() == [".ipynb_checkpoints"]
    hdfs("dfs", "-rm", "-r", "-skipTrash", f"{root}/.ipynb_checkpoints")


async def test_versions_of_a_file_in_snapshots_can_be_restored(
    manager: HDFSContentsManager, root: str, write: Write, read: Read, hdfs: Callable[..., str]
) -> None:
    hdfs("dfsadmin", "-allowSnapshot", root)
    for number in range(3):
        write("d/a", f"version {number}")
        if number != 1:
            hdfs("dfs", "-createSnapshot", root, f"s2026.{number}")
    write("d/a", "now")
    try:
        await manager.create_checkpoint("d/a")
        listed = await manager.list_checkpoints("d/a")
        assert [version["id"].partition("-")[0] for version in listed] == ["snapshot"] * 2 + [
            listed[2]["id"]
        ]
        assert [version["size"] for version in listed] == [9, 9, 3]
        await manager.restore_checkpoint(listed[0]["id"], "d/a")
        assert read("d/a") == b"version 0"
        assert "cannot be deleted" in await refused(
            403, manager.delete_checkpoint(listed[0]["id"], "d/a")
        )
        await manager.delete("d/a")
    finally:
        for number in (0, 2):
            hdfs("dfs", "-deleteSnapshot", root, f"s2026.{number}")
        hdfs("dfsadmin", "-disallowSnapshot", root)


async def test_permissions_and_trash_of_a_shared_directory_are_its_own(
    fs: FileSystem,
    root: str,
    make_manager: MakeManager,
    hdfs: Callable[..., str],
    as_user: Callable[..., Any],
) -> None:
    team = f"/shared-{root.rpartition('-')[2]}"
    closed = f"{team}/closed"
    hdfs("dfs", "-mkdir", "-p", closed)
    hdfs("dfs", "-chmod", "777", team)
    hdfs("dfs", "-chmod", "700", closed)
    as_user("bob", f"with fs.open_write('{team}/bobs', 0o644) as file: file.write(b'1')")
    manager = make_manager(shared_dirs={"team": team, "closed": closed, "inside": f"{closed}/a"})
    listed = {entry["name"]: entry["writable"] for entry in (await manager.get(""))["content"]}
    assert listed == {"team": True, "closed": False, "inside": False}
    for name in ("closed", "inside"):
        await refused(403, manager.get(name))
    model = await manager.get("team/bobs")
    assert (model["content"], model["writable"]) == ("1", False)
    await refused(403, manager.save(text("2"), "team/bobs"))
    await manager.save(text("alice's"), "team/mine")
    as_user("bob", f"fs.delete('{team}/mine')")
    as_user("bob", f"with fs.open_write('{team}/mine', 0o666) as file: file.write(b'longer now')")
    await refused(409, manager.save(text("again"), "team/mine"))
    await manager.delete("team/mine")
    assert fs.exists(f"/user/alice/.Trash/Current{team}/mine")
    hdfs("dfs", "-rm", "-r", "-skipTrash", team)


async def test_a_file_that_a_program_is_writing_is_shown_as_far_as_hdfs_knows_it_and_not_replaced(
    manager: HDFSContentsManager, fs: FileSystem, root: str, read: Read, hadoop: MiniHadoop
) -> None:
    path = f"{root}/log"
    # Blocks of 1 MiB, the smallest that HDFS allows.
    options = hdfs_native.WriteOptions(block_size=1 << 20)
    writer = hdfs_native.Client(hadoop.default_fs).create(path, options)
    assert fs.is_being_written(path)
    assert "is writing it" in await refused(409, manager.get("log"))
    await refused(409, manager.save(text("mine"), "log"))
    writer.write(b"x" * 5 * (1 << 19))
    known = fs.stat(path).size
    assert known in (1 << 20, 2 << 20)
    model = await manager.get("log")
    assert (len(model["content"]), model["size"], model["writable"]) == (known, known, False)
    assert len(read("log")) == known
    await refused(409, manager.save(text("mine"), "log"))
    writer.close()
    assert len((await manager.get("log"))["content"]) == 5 * (1 << 19)
    assert not fs.is_being_written(path)
    await manager.save(text("mine"), "log")
    assert read("log") == b"mine"
