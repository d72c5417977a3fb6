"""Files that another program is still writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import MakeManager, Read, Write, refused, text


@pytest.fixture
def written(fs: FileSystem, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The paths in HDFS of files that a program is writing."""
    paths: set[str] = set()
    monkeypatch.setattr(fs, "is_being_written", paths.__contains__)
    return paths


async def test_a_file_that_is_being_written_is_opened_for_reading_only(
    manager: HDFSContentsManager, written: set[str], write: Write
) -> None:
    written.add(write("log", "line 1\n"))
    model = await manager.get("log")
    assert (model["content"], model["writable"]) == ("line 1\n", False)
    written.clear()
    assert (await manager.get("log"))["writable"]


async def test_a_file_of_which_nothing_is_known_yet_is_not_shown_as_empty(
    manager: HDFSContentsManager, written: set[str], write: Write
) -> None:
    written.update([write("log"), write("a.ipynb")])
    for path in ("log", "a.ipynb"):
        assert "is writing it" in await refused(409, manager.get(path))
        assert "is writing it" in await refused(409, manager.copy(path))
        assert (await manager.get(path, content=False))["size"] == 0
    written.clear()
    assert (await manager.get("log"))["content"] == ""


async def test_a_checkpoint_stays_while_nothing_is_known_yet_of_the_new_content(
    manager: HDFSContentsManager, fs: FileSystem, written: set[str], write: Write
) -> None:
    path = write("log", "line 1\n")
    checkpoint = await manager.create_checkpoint("log")
    fs.delete(path)
    written.add(write("log"))
    assert "is writing it" in await refused(409, manager.create_checkpoint("log"))
    written.clear()
    await manager.restore_checkpoint(checkpoint["id"], "log")
    assert (await manager.get("log"))["content"] == "line 1\n"


async def test_a_file_that_is_being_written_is_not_moved_to_another_file_system(
    make_manager: MakeManager, written: set[str], write: Write, read: Read, tmp_path: Path
) -> None:
    manager = make_manager(local_dirs={"scratch": str(tmp_path / "scratch")})
    written.add(write("log", "line 1\n"))
    message = await refused(409, manager.rename("log", "scratch/log"))
    assert "Move it when that program has closed it" in message
    assert read("log") == b"line 1\n"
    await manager.rename("log", "moved")  # in HDFS the writer goes on
    assert read("moved") == b"line 1\n"


async def test_a_file_that_is_being_written_is_not_replaced(
    manager: HDFSContentsManager, written: set[str], write: Write, read: Read
) -> None:
    path = write("log", "line 1\n")
    checkpoint = await manager.create_checkpoint("log")
    written.add(path)
    for change in (
        manager.save(text("mine"), "log"),
        manager.save(text("mine", chunk=1), "log"),
        manager.restore_checkpoint(checkpoint["id"], "log"),
    ):
        assert "has it open for writing" in await refused(409, change)
    assert read("log") == b"line 1\n"
    written.clear()
    await manager.save(text("mine"), "log")
    assert read("log") == b"mine"
