"""What interrupts a save, on each file system: the old content or the new is there, and no mix."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, Kind
from hadoop_client.hdfs.paths import is_temporary
from hdfs_contents import HDFSContentsManager
from tests.contract.killed_save import NEW
from tests.unit.hdfs_contents.manager.interrupted import InterruptedFileSystem
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, refused, text

Hdfs = Callable[..., str]


@pytest.fixture
def manager(fs: FileSystem, kind: Kind, root: str) -> HDFSContentsManager:
    return HDFSContentsManager(root_dir=root, filesystem_kind=kind)


def save_and_be_killed(*arguments: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-m", "tests.contract.killed_save", *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.mark.parametrize(
    ("operation", "when", "content"),
    [
        ("write", "before", "old"),
        ("write", "after", "old"),
        ("close", "after", "old"),
        ("replace", "before", "old"),
        ("replace", "after", NEW),
    ],
)
async def test_a_server_that_is_killed_while_it_saves_tears_nothing(
    operation: str,
    when: str,
    content: str,
    kind: Kind,
    manager: HDFSContentsManager,
    root: str,
    write: Write,
    read: Read,
    names: Names,
) -> None:
    write("a", "old")
    save_and_be_killed(kind, root, "a", operation, when)
    assert read("a") == content.encode()
    assert [entry["name"] for entry in (await manager.get(""))["content"]] == ["a"]
    left = [name for name in names() if name != "a"]
    assert all(is_temporary(name) for name in left)
    assert len(left) == (0 if (operation, when) == ("replace", "after") else 1)
    if (operation, when) != ("replace", "before"):  # else the turn is taken, for a minute
        await manager.save(text("next"), "a")
        assert read("a") == b"next"


@pytest.mark.parametrize("operation", ["write", "close"])
async def test_a_save_that_loses_its_lease_is_refused_and_the_old_content_stays(
    operation: str,
    manager: HDFSContentsManager,
    root: str,
    write: Write,
    read: Read,
    names: Names,
    hdfs: Hdfs,
) -> None:
    write("a", "old")

    def lose() -> None:
        (temporary,) = (name for name in names() if is_temporary(name))
        debug = ("debug", "recoverLease", "-retries", "20")
        hdfs(*debug, "-path", f"{root}/{temporary}")

    manager.store.fs = InterruptedFileSystem(manager.store.fs, operation, lose, after=False)
    message = await refused(503, manager.save(text(NEW), "a"))
    assert "save again" in message
    assert (read("a"), names()) == (b"old", ["a"])
