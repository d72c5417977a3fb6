"""Directories of HDFS shown in the root beside the user's own files."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from traitlets import TraitError

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import (
    MakeManager,
    Names,
    Read,
    Write,
    notebook,
    refused,
    text,
)


@pytest.fixture
def team(root: str, fs: FileSystem) -> Iterator[str]:
    """A directory beside the root."""
    path = f"{root}-team"
    fs.mkdirs(path, 0o755)
    yield path
    fs.delete(path, recursive=True)


@pytest.fixture
def sharing(make_manager: MakeManager, team: str) -> HDFSContentsManager:
    return make_manager(shared_dirs={"team": team, "gone": f"{team}/gone"})


def content(fs: FileSystem, path: str) -> bytes:
    with fs.open_read(path) as file:
        return file.read()


async def test_a_shared_directory_behaves_like_others(
    sharing: HDFSContentsManager, fs: FileSystem, team: str, names: Names
) -> None:
    listed = {entry["name"]: entry for entry in (await sharing.get(""))["content"]}
    assert (listed["team"]["type"], listed["team"]["writable"]) == ("directory", True)
    saved = await sharing.save(notebook("1"), "team/a.ipynb")
    assert saved == await sharing.get("team/a.ipynb", content=False)
    assert b'"1"' in content(fs, f"{team}/a.ipynb")
    listing = await sharing.get("team")
    assert [model["path"] for model in listing["content"]] == ["team/a.ipynb"]
    await sharing.rename("team/a.ipynb", "team/b.ipynb")
    assert len(await sharing.list_checkpoints("team/b.ipynb")) == 1
    assert await sharing.file_exists("team/b.ipynb")
    assert await sharing.dir_exists("team")
    await sharing.delete("team/b.ipynb")
    assert not fs.exists(f"{team}/b.ipynb")
    assert names() == []  # the root has none of it


async def test_a_save_finds_what_another_client_has_changed(
    sharing: HDFSContentsManager, fs: FileSystem, team: str
) -> None:
    await sharing.save(text("mine"), "team/a.txt")
    fs.delete(f"{team}/a.txt")
    with fs.open_write(f"{team}/a.txt") as file:
        file.write(b"theirs, which is longer")
    assert "has changed it" in await refused(409, sharing.save(text("again"), "team/a.txt"))
    assert content(fs, f"{team}/a.txt") == b"theirs, which is longer"


async def test_files_are_moved_and_copied_between_a_shared_directory_and_others(
    sharing: HDFSContentsManager, fs: FileSystem, team: str, write: Write, read: Read
) -> None:
    write("mine", "1")
    await sharing.rename("mine", "team/ours")
    assert content(fs, f"{team}/ours") == b"1"
    assert (await sharing.copy("team/ours", ""))["path"] == "ours"
    assert read("ours") == b"1"
    assert (await sharing.copy("team", ""))["path"] == "team-Copy1"
    assert read("team-Copy1/ours") == b"1"


async def test_a_shared_directory_itself_is_not_changed(
    sharing: HDFSContentsManager, fs: FileSystem, team: str, write: Write, names: Names
) -> None:
    write("mine", "1")
    for path in ("team", "gone"):
        for change in (
            sharing.delete(path),
            sharing.rename(path, "other"),
            sharing.rename("mine", path),
            sharing.save(text("1"), path),
            sharing.save({"type": "directory"}, path),
        ):
            assert f"{path} is a shared directory" in await refused(403, change)
    assert names() == ["mine"]
    assert fs.list_dir(team) == []


async def test_a_directory_that_cannot_be_reached_is_listed_and_says_why(
    sharing: HDFSContentsManager, team: str, write: Write
) -> None:
    write("mine")
    listed = {entry["name"]: entry for entry in (await sharing.get(""))["content"]}
    assert list(listed) == ["team", "gone", "mine"]
    assert (listed["gone"]["type"], listed["gone"]["writable"]) == ("directory", False)
    message = await refused(404, sharing.get("gone"))
    assert message == f"gone: it leads to {team}/gone, which does not exist in HDFS"
    assert not await sharing.exists("gone")


async def test_a_shared_directory_hides_an_entry_of_its_name(
    make_manager: MakeManager,
    team: str,
    root: str,
    write: Write,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write("team/hidden")
    manager = make_manager(shared_dirs={"team": team}, log=logging.getLogger("test"))
    assert f"{root}/team is not shown" in caplog.text
    assert [entry["name"] for entry in (await manager.get(""))["content"]] == ["team"]
    await refused(404, manager.get("team/hidden"))


async def test_all_of_hdfs_has_it_where_the_file_browser_starts(
    make_manager: MakeManager, fs: FileSystem, root: str, team: str
) -> None:
    manager = make_manager(shared_dirs={"team": team}, show_all_of_hdfs=True)
    start = root.strip("/")
    assert [entry["path"] for entry in (await manager.get(start))["content"]] == [f"{start}/team"]
    await manager.save(text("1"), f"{start}/team/a.txt")
    # It is one file under both paths: what was saved here is known there.
    await manager.save(text("2"), f"{team}/a.txt")
    assert content(fs, f"{team}/a.txt") == b"2"


async def test_a_directory_above_the_root_is_shared(
    make_manager: MakeManager, root: str, read: Read
) -> None:
    above = root.rpartition("/")[0]
    manager = make_manager(shared_dirs={"above": above})
    name = root.rpartition("/")[2]
    await manager.save(text("1"), f"above/{name}/above/{name}/a.txt")
    assert read("a.txt") == b"1"


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "a:b"])
def test_an_invalid_name_is_refused(name: str, make_manager: MakeManager) -> None:
    with pytest.raises(TraitError, match=r"c\.HDFSContentsManager\.shared_dirs") as raised:
        make_manager(shared_dirs={name: "/data"})
    assert "\n" not in str(raised.value)


def test_an_invalid_target_is_refused(make_manager: MakeManager, root: str) -> None:
    for targets, reason in (
        ({"a": "data"}, "not an absolute path"),
        ({"a": "/data/../other"}, r"contains .\.\."),
        ({"a": f"{root}/a"}, "itself shared"),
        ({"a": "/data", "b": f"{root}/a/b"}, "itself shared"),
    ):
        with pytest.raises(TraitError, match=reason):
            make_manager(shared_dirs=targets)


def test_a_local_directory_cannot_have_the_same_name(make_manager: MakeManager) -> None:
    with pytest.raises(TraitError, match=r"local_dirs .* a shared directory has the same name"):
        make_manager(shared_dirs={"team": "/data"}, local_dirs={"team": "/tmp"})
