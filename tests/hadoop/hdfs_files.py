"""Files that a test puts into HDFS."""

from __future__ import annotations

from contextlib import suppress

from hdfs_contents.filesystem import FileSystem, Writer


def open_anew(fs: FileSystem, path: str, mode: int = 0o644) -> Writer:
    """Open a file to write it, in the place of one that may be there."""
    with suppress(FileNotFoundError):
        fs.delete(path)
    return fs.open_write(path, mode)
