"""The trash of encryption zones.

A file cannot leave its zone by a rename, so it cannot go to the trash in the user's home directory.
Each zone has its own trash, `.Trash/<user>` in the zone's root. Hadoop's commands use it, and the
NameNode empties it. `hdfs crypto` creates `.Trash` with the zone.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from hadoop_client.hdfs.paths import join, parent

if TYPE_CHECKING:
    from hadoop_client.hdfs.interface import FileSystem

_NAME = ".Trash"


def trash(fs: FileSystem, path: str) -> str | None:
    """Move a file or directory to the trash of its zone, and return its new path; None if it is
    already there."""
    for directory in _above(path):
        root = join(directory, _NAME)
        if path.startswith(f"{root}/"):
            return None
        if fs.exists(root):
            with suppress(_AcrossZoneError):
                return _move(fs, path, f"{join(root, fs.user)}/Current{path}")
    raise OSError(
        errno.EXDEV,
        "its encryption zone has no trash: ask an HDFS administrator to run hdfs crypto "
        "-provisionTrash -path with the zone's root directory",
        path,
    )


class _AcrossZoneError(Exception):
    """The trash belongs to another zone, or to none."""


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = parent(path)
        yield path


def _move(fs: FileSystem, path: str, target: str) -> str:
    fs.mkdirs(parent(target), 0o700)
    for name in (target, f"{target}{time.time_ns() // 1_000_000}"):
        with suppress(FileExistsError):
            try:
                fs.rename(path, name)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise _AcrossZoneError from error
                raise
            return name
    raise FileExistsError(errno.EEXIST, "the trash already has one of this name", path)
