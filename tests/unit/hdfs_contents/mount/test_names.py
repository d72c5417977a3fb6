"""A file that is deleted or renamed while its content is published does not come back."""

from __future__ import annotations

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
from hdfs_contents.mount.tables import Recorder, Tables

CHANGES: dict[str, tuple[str, messages.Body, str | None]] = {
    "rename": ("", messages.Rename("d", ROOT, "moved", 0), "moved/a"),
    "rename a file": ("d", messages.Rename("a", ROOT, "moved", 0), "moved"),
    "unlink": ("d", messages.Unlink("a"), None),
}


class Hdfs(LocalFileSystem):
    """`meanwhile` runs in another thread before the new content gets its name."""

    meanwhile: Callable[[], object] | None = None
    thread: threading.Thread | None = None

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        if self.meanwhile is not None and target.endswith("/d/a"):
            self.thread = threading.Thread(target=self.meanwhile)
            self.meanwhile = None
            self.thread.start()
            self.thread.join(0.5)  # it waits, or ends
        super().rename(source, target, overwrite=overwrite)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_published_meanwhile_has_the_new_name_or_none(change: str, tmp_path: Path) -> None:
    (tmp_path / "stored/d").mkdir(parents=True)
    (tmp_path / "stored/d/a").write_text("old")
    fs = Hdfs("/home", tmp_path / "stored", "alice")
    tables = Tables("/home", Recorder())
    files = OpenFiles(fs, tables, tmp_path, Budget(1000))
    operations = Operations(fs, tables, files, "/home", 3)
    with tables:
        directory = tables.inodes.look_up(tables.inodes.get(ROOT), "d")
        node = tables.inodes.look_up(directory, "a")
    handle = files.open(node, os.O_WRONLY)
    files.write(handle.id, 3, memoryview(b" and new"), 0)
    where, body, name = CHANGES[change]
    parent = directory.id if where else ROOT
    fs.meanwhile = lambda: operations(messages.Request(0, parent, body))
    files.flush(handle.id)
    assert fs.thread is not None
    fs.thread.join()
    found = {
        str(path.relative_to(tmp_path / "stored")): path.read_text()
        for path in (tmp_path / "stored").rglob("*")
        if path.is_file()
    }
    assert found == ({name: "old and new"} if name else {})
