"""The trash of encryption zones.

A file cannot leave its zone by a rename, so it cannot go to the trash in the user's home directory.
Each zone has its own trash, `.Trash/<user>` in the zone's root. Hadoop's commands use it, and the
NameNode empties it. `hdfs crypto` creates `.Trash` with the zone.

Any user may create a `.Trash` in a shared directory of a zone, with directories that others can
read. Nothing is moved to a directory that another user owns or can write to.
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
    already there. OSError with EXDEV if its zone has no trash that is safe for this user."""
    reason = (
        "its encryption zone has no trash: ask an HDFS administrator to run hdfs crypto "
        "-provisionTrash -path with the zone's root directory"
    )
    for directory in _above(path):
        root = join(directory, _NAME)
        if path.startswith(f"{root}/"):
            return None
        if fs.exists(root):
            try:
                return _move(fs, path, root)
            except _AcrossZoneError:
                pass
            except _UnusableError as error:
                reason = str(error)
    raise OSError(errno.EXDEV, reason, path)


class _AcrossZoneError(Exception):
    """The trash belongs to another zone, or to none."""


class _UnusableError(Exception):
    """The user cannot write to the trash, or others can; why, in one phrase."""

    @classmethod
    def open_to_others(cls, directory: str) -> _UnusableError:
        return cls(f"other users can write to {directory}, which would be in its trash")


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = parent(path)
        yield path


def _move(fs: FileSystem, path: str, root: str) -> str:
    target = f"{join(root, fs.user)}/Current{path}"
    try:
        fs.mkdirs(parent(target), 0o700)
    except PermissionError as error:
        raise _UnusableError(f"no directory can be created in the trash {root}") from error
    _check_private(fs, root, parent(target))
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


def _check_private(fs: FileSystem, root: str, directory: str) -> None:
    """Raise _UnusableError unless all directories below the trash's root, down to this one, belong
    to the user and only the user can write to them. Others may write to the root if it is sticky.
    """
    mode = fs.stat(root).mode
    if mode & 0o022 and not mode & 0o1000:
        raise _UnusableError.open_to_others(root)
    while directory != root:
        status = fs.stat(directory)
        if status.owner != fs.user or status.mode & 0o022:
            raise _UnusableError.open_to_others(directory)
        directory = parent(directory)
