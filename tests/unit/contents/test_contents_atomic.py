"""What is about to take a file's place is looked at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdfs_contents.atomic import write_file
from hdfs_contents.local import LocalFileSystem
from tests.hadoop.contents.interrupted import InterruptedFileSystem


def test_what_has_lost_bytes_takes_nobodys_place(tmp_path: Path) -> None:
    fs = LocalFileSystem("/home", tmp_path, "alice")
    (tmp_path / "a").write_text("old")

    def lose() -> None:
        (temporary,) = tmp_path.glob(".saving-*")
        temporary.write_text("ne")

    losing = InterruptedFileSystem(fs, "close", lose, after=True)
    with pytest.raises(OSError, match="HDFS has kept 2 of 3 bytes: save it again"):
        write_file(losing, "/home/a", [b"new"], replaces=fs.stat("/home/a"))
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a", "old")]
