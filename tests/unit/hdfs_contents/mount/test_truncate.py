"""A file is cut by its path while the last program that has it open is closing it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.mount import messages
from hdfs_contents.mount.drafts import Draft
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.operations import Operations
from hdfs_contents.mount.overlay import Budget
from hdfs_contents.mount.protocol import ROOT
from hdfs_contents.mount.tables import Recorder, Tables


class Files(OpenFiles):
    """`before_drop` runs before a draft is dropped, if no program has it open for writing."""

    before_drop: Callable[[], object] = staticmethod(lambda: None)

    def _drop_if_closed(self, draft: Draft) -> None:
        before, self.before_drop = self.before_drop, lambda: None
        before()
        super()._drop_if_closed(draft)


def test_it_is_cut_although_its_draft_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored/a").write_text("content")
    fs = LocalFileSystem("/home", tmp_path / "stored", "alice")
    tables = Tables("/home", Recorder())
    files = Files(fs, tables, tmp_path, Budget(1000))
    operations = Operations(fs, tables, files, "/home", 3)
    with tables:
        node = tables.inodes.look_up(tables.inodes.get(ROOT), "a")
    cut = messages.SetAttr(None, 3, None, None, None, None, None)
    handle = files.open(node, os.O_WRONLY)
    files.before_drop = lambda: operations(messages.Request(0, node.id, cut))
    files.release(handle.id)
    assert (tmp_path / "stored/a").read_text() == "con"
    assert not tables.drafts
