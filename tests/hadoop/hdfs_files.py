"""Files that a test puts into HDFS, or finds there."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress

from hadoop_client.hdfs.filesystem import FileSystem, Writer

#: What is kept of the settings of alice's default server.
SESSION = "/user/alice/.yarnhub/session/default.tar.gz"


def open_anew(fs: FileSystem, path: str, mode: int = 0o644) -> Writer:
    """Open a file to write it, in the place of one that may be there."""
    with suppress(FileNotFoundError):
        fs.delete(path)
    return fs.open_write(path, mode)


def read(fs: FileSystem, path: str) -> bytes:
    """Return what is in a file."""
    with fs.open_read(path) as file:
        return bytes(file.read())


def session_holds(fs: FileSystem, text: str) -> bool:
    """Tell whether what is kept of the settings says so."""
    if not fs.exists(SESSION):
        return False
    with tarfile.open(fileobj=io.BytesIO(read(fs, SESSION))) as archive:
        kept = [archive.extractfile(member) for member in archive if member.isfile()]
        return any(text.encode() in file.read() for file in kept if file)
