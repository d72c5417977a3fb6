"""Copies, and moves that are copies, piece by piece: never a whole file in memory.

- What is copied, a file or a directory with all that is in it, appears as a whole: it is written
  under a hidden name, and renamed. What is unfinished is removed.
- Nobody gets at a copy who does not get at the original: until all is there it is its owner's
  alone, then it has the mode, group and ACL of the original, as far as HDFS lets it.
- Where a rename can't move something, it is copied and compared byte by byte. It is deleted only
  under a name that nobody finds, and if nothing has come into it meanwhile.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hadoop_client.hdfs.atomic import chunks_of, quarantined, removed_on_failure
from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_temporary, join, temporary_beside


def copy(fs: FileSystem, source: FileStatus, target: str) -> None:
    """Copy to a path where nothing is: FileExistsError otherwise."""
    with _copied_beside(fs, source, target) as temporary:
        fs.rename(temporary, target)


def move_by_copy(fs: FileSystem, source: FileStatus, target: str) -> None:
    """Move to a path where nothing is. The original is still there after any failure."""
    with _copied_beside(fs, source, target) as temporary:
        compared = _state(fs, fs.stat(source.path))
        _refuse_difference(fs, source, temporary)
        with quarantined(fs, source.path) as aside:
            if _state(fs, fs.stat(aside)) != compared:
                raise _changed(source)
            fs.rename(temporary, target)
            fs.delete(aside, recursive=True)


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
    # A directory comes after what is in it: into one that may not be written nothing could be put,
    # nor could it be removed again.
    for original, copied in list(_fill(fs, source, target)):
        with suppress(FileNotFoundError):  # deleted meanwhile: it stays its owner's alone
            fs.copy_access(original, copied)


def _fill(fs: FileSystem, source: FileStatus, target: str) -> Iterator[tuple[str, str]]:
    """Write a copy that is its owner's alone, and yield what is a copy of what."""
    if source.is_dir:
        fs.mkdirs(target, 0o700)
        for entry in _entries(fs, source.path):
            yield from _fill(fs, entry, join(target, entry.name))
    else:
        with fs.open_write(target, 0o600) as copied:
            for piece in chunks_of(fs, source.path):
                copied.write(piece)
    yield source.path, target


def _entries(fs: FileSystem, directory: str) -> list[FileStatus]:
    return [entry for entry in fs.list_dir(directory) if not is_temporary(entry.name)]


def _state(fs: FileSystem, found: FileStatus) -> object:
    """Return what another change would change: names, times and sizes."""
    if found.is_dir:
        return {entry.name: _state(fs, entry) for entry in _entries(fs, found.path)}
    return found.modified_ms, found.size


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
        for one, other in zip(chunks_of(fs, source.path), chunks_of(fs, copied), strict=True)
    ):
        raise _changed(source)


def _changed(source: FileStatus) -> OSError:
    return OSError(
        errno.ESTALE,
        "it changed while it was moved, and stays where it is: move it again",
        source.path,
    )
