"""Copies trees of files, and moves them by copying, in chunks: never a whole file in memory.

- A copy, of a file or of a directory with all its contents, appears as a whole: it is written under
  a hidden name and then renamed. An unfinished copy is deleted.
- A copy never gives access to users who have no access to the original. Until it is complete, only
  its owner has access. Then it gets the mode, group and ACL of the original, as far as HDFS allows.
- A move copies, compares byte by byte, and then deletes the original: under a hidden name, and only
  if nothing in it has changed since the comparison.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hadoop_client.hdfs.atomic import (
    chunks_of,
    quarantined,
    refuse_lost_bytes,
    removed_on_failure,
)
from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_temporary, join, temporary_beside


def copy_tree(fs: FileSystem, source: FileStatus, target: str) -> None:
    """Copy to a path that does not exist; FileExistsError otherwise."""
    with _temporary_copy(fs, source, target) as temporary:
        fs.rename(temporary, target)


def move_tree(fs: FileSystem, source: FileStatus, target: str) -> None:
    """Move to a path that does not exist. After any failure the original is still there."""
    with _temporary_copy(fs, source, target) as temporary:
        compared = _times_and_sizes(fs, fs.stat(source.path))
        _refuse_difference(fs, source, temporary)
        with quarantined(fs, source.path) as quarantine:
            if _times_and_sizes(fs, fs.stat(quarantine)) != compared:
                raise _changed_error(source)
            fs.rename(temporary, target)
            fs.delete(quarantine, recursive=True)


@contextmanager
def _temporary_copy(fs: FileSystem, source: FileStatus, target: str) -> Iterator[str]:
    """Copy to a hidden path beside `target` and yield it; delete the copy if the block fails."""
    if f"{target}/".startswith(f"{source.path}/"):
        raise OSError(errno.EINVAL, "a directory cannot be put into itself", target)
    if fs.exists(target):  # fail before hours of copying
        raise FileExistsError(errno.EEXIST, "it already exists", target)
    temporary = temporary_beside(target)
    created = None
    if source.is_dir:
        fs.mkdirs(temporary, 0o700)
        created = fs.stat(temporary)
    with removed_on_failure(fs, temporary, since=created):
        # A directory gets its final mode after its contents: without write permission, nothing
        # could be created in it or removed from it.
        for original, copied in list(_copy_private(fs, source, temporary)):
            with suppress(FileNotFoundError):  # the original was deleted: the copy stays private
                fs.copy_access(original, copied)
        yield temporary


def _copy_private(fs: FileSystem, source: FileStatus, target: str) -> Iterator[tuple[str, str]]:
    """Write a copy that only its owner may access; yield the path of each original and its copy,
    contents before their directory."""
    if source.is_dir:
        fs.mkdirs(target, 0o700)
        for entry in _entries(fs, source.path):
            yield from _copy_private(fs, entry, join(target, entry.name))
    else:
        with fs.open_write(target, 0o600) as copied:
            size = sum(copied.write(chunk) for chunk in chunks_of(fs, source.path))
        refuse_lost_bytes(fs.stat(target), size, "copy it again")
    yield source.path, target


def _entries(fs: FileSystem, directory: str) -> list[FileStatus]:
    return [entry for entry in fs.list_dir(directory) if not is_temporary(entry.name)]


def _times_and_sizes(fs: FileSystem, status: FileStatus) -> object:
    """Return what any change in a tree alters: names, times and sizes."""
    if status.is_dir:
        entries = _entries(fs, status.path)
        return {entry.name: _times_and_sizes(fs, entry) for entry in entries}
    return status.modified_ms, status.size


def _refuse_difference(fs: FileSystem, source: FileStatus, copied: str) -> None:
    """Raise OSError (ESTALE) if the copy differs from what the original contains now."""
    if source.is_dir:
        originals, copies = _entries(fs, source.path), _entries(fs, copied)
        if [entry.name for entry in originals] != [entry.name for entry in copies]:
            raise _changed_error(source)
        for entry in originals:
            _refuse_difference(fs, entry, join(copied, entry.name))
    elif fs.stat(copied).size != source.size or any(
        original != copy
        for original, copy in zip(chunks_of(fs, source.path), chunks_of(fs, copied), strict=True)
    ):
        raise _changed_error(source)


def _changed_error(source: FileStatus) -> OSError:
    return OSError(
        errno.ESTALE,
        "it changed while it was being moved and was left in place: move it again",
        source.path,
    )
