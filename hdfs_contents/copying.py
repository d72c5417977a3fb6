"""Copies, and moves that are copies, piece by piece: never a whole file in memory.

- What is copied, a file or a directory with all that is in it, appears as a whole: it is written
  under a hidden name, and renamed. What is unfinished is removed.
- Where a rename can't move something, it is copied, compared byte by byte, and deleted only then.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from hdfs_contents.atomic import pieces_of, removed_on_failure
from hdfs_contents.filesystem import FileStatus, FileSystem
from hdfs_contents.paths import is_temporary, join, temporary_beside


def copy(fs: FileSystem, source: FileStatus, target: str) -> None:
    """Copy to a path where nothing is: FileExistsError otherwise."""
    with _copied_beside(fs, source, target) as temporary:
        fs.rename(temporary, target)


def move_by_copy(fs: FileSystem, source: FileStatus, target: str) -> None:
    """Move to a path where nothing is. The original is still there after any failure."""
    with _copied_beside(fs, source, target) as temporary:
        _refuse_difference(fs, source, temporary)
        fs.rename(temporary, target)
    fs.delete(source.path, recursive=True)


@contextmanager
def _copied_beside(fs: FileSystem, source: FileStatus, target: str) -> Iterator[str]:
    if f"{target}/".startswith(f"{source.path}/"):
        raise OSError(errno.EINVAL, "a directory can't be put into itself", target)
    if fs.exists(target):  # before hours of copying, not after
        raise FileExistsError(errno.EEXIST, "it exists already", target)
    temporary = temporary_beside(target)
    with removed_on_failure(fs, temporary):
        _write_copy(fs, source, temporary)
        yield temporary


def _write_copy(fs: FileSystem, source: FileStatus, target: str) -> None:
    if source.is_dir:
        fs.mkdirs(target, source.mode)
        for entry in _entries(fs, source.path):
            _write_copy(fs, entry, join(target, entry.name))
        return
    with fs.open_write(target, source.mode) as copied:
        for piece in pieces_of(fs, source.path):
            copied.write(piece)


def _entries(fs: FileSystem, directory: str) -> list[FileStatus]:
    return [entry for entry in fs.list_dir(directory) if not is_temporary(entry.name)]


def _refuse_difference(fs: FileSystem, source: FileStatus, copied: str) -> None:
    """Raise an OSError, ESTALE, unless the copy has what the original has now."""
    if source.is_dir:
        originals, copies = _entries(fs, source.path), _entries(fs, copied)
        if [entry.name for entry in originals] != [entry.name for entry in copies]:
            raise _changed(source)
        for entry in originals:
            _refuse_difference(fs, entry, join(copied, entry.name))
    elif fs.stat(copied).size != source.size or any(
        one != other
        for one, other in zip(pieces_of(fs, source.path), pieces_of(fs, copied), strict=True)
    ):
        raise _changed(source)


def _changed(source: FileStatus) -> OSError:
    return OSError(
        errno.ESTALE,
        "it changed while it was moved, and stays where it is: move it again",
        source.path,
    )
