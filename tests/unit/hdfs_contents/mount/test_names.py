"""A file that is deleted or renamed while its content is published does not come back."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.mount import messages
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.operations import Operations
from hdfs_contents.mount.overlay import Budget
from hdfs_contents.mount.protocol import ROOT
from hdfs_contents.mount.tables import Handle, Recorder, Tables

CHANGES: dict[str, tuple[str, messages.Body, str | None]] = {
    "rename": ("", messages.Rename("d", ROOT, "moved", 0), "moved/a"),
    "rename a file": ("d", messages.Rename("a", ROOT, "moved", 0), "moved"),
    "unlink": ("d", messages.Unlink("a"), None),
}


class Hdfs(LocalFileSystem):
    """`meanwhile` runs in another thread before the new content gets its name. If it `refuses`,
    nothing can be deleted."""

    meanwhile: Callable[[], object] | None = None
    refuses = False
    patience = 0.5
    thread: threading.Thread | None = None
    ended_first = False

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        if self.meanwhile is not None and target.endswith("/d/a"):
            self.thread = threading.Thread(target=self.meanwhile)
            self.meanwhile = None
            self.thread.start()
            self.thread.join(self.patience)  # it waits, or ends
            self.ended_first = not self.thread.is_alive()
        super().rename(source, target, overwrite=overwrite)

    def delete(self, path: str, *, recursive: bool = False) -> None:
        if self.refuses:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        super().delete(path, recursive=recursive)


class Mounted:
    """A file `d/a` with the content `old`."""

    def __init__(self, place: Path) -> None:
        self.stored = place / "stored/d/a"
        self.stored.parent.mkdir(parents=True)
        self.stored.write_text("old")
        self.fs = Hdfs("/home", place / "stored", "alice")
        tables = Tables("/home", Recorder())
        self.files = OpenFiles(self.fs, tables, place, Budget(1000))
        self.operations = Operations(self.fs, tables, self.files, "/home", 3)
        with tables:
            self.directory = tables.inodes.look_up(tables.inodes.get(ROOT), "d")
            self.node = tables.inodes.look_up(self.directory, "a")

    def write(self, text: str) -> Handle:
        """Write at the end of the file, which is not saved yet."""
        handle = self.files.open(self.node, os.O_WRONLY)
        self.files.write(handle.id, 3, memoryview(text.encode()), 0)
        return handle


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_published_meanwhile_has_the_new_name_or_none(change: str, tmp_path: Path) -> None:
    mounted = Mounted(tmp_path)
    handle = mounted.write(" and new")
    where, body, name = CHANGES[change]
    parent = mounted.directory.id if where else ROOT
    fs = mounted.fs
    fs.meanwhile = lambda: mounted.operations(messages.Request(0, parent, body))
    mounted.files.flush(handle.id)
    assert fs.thread is not None
    fs.thread.join()
    found = {
        str(path.relative_to(tmp_path / "stored")): path.read_text()
        for path in (tmp_path / "stored").rglob("*")
        if path.is_file()
    }
    assert found == ({name: "old and new"} if name else {})


def test_a_change_by_another_client_is_not_overwritten_after_a_deletion_that_failed(
    tmp_path: Path,
) -> None:
    mounted = Mounted(tmp_path)
    handle = mounted.write(" and new")
    mounted.fs.refuses = True
    unlink = messages.Request(0, mounted.directory.id, messages.Unlink("a"))
    with pytest.raises(PermissionError):
        mounted.operations(unlink)
    mounted.fs.refuses = False
    mounted.stored.write_text("of another client")
    with pytest.raises(OSError, match="has changed it"):
        mounted.files.flush(handle.id)
    assert mounted.stored.read_text() == "of another client"


def test_a_program_closes_a_file_while_another_one_saves_it(tmp_path: Path) -> None:
    mounted = Mounted(tmp_path)
    handle = mounted.write(" and new")
    other = mounted.files.open(mounted.node, os.O_RDONLY)
    mounted.fs.meanwhile = lambda: mounted.files.release(other.id)
    mounted.fs.patience = 60
    mounted.files.flush(handle.id)
    assert mounted.fs.ended_first
