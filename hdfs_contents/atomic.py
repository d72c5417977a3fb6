"""Files that are replaced as a whole.

- Readers see the old content or the new, never a mix and never nothing: the new content is written
  to a hidden temporary in the same directory, then renamed over the old file in one step.
- The file keeps its mode, and its group where HDFS allows it. Its owner becomes who wrote it last:
  only a superuser can give a file away.
- After a failure the file is as it was, and the temporary is removed, as far as HDFS answers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from hdfs_contents.filesystem import FileStatus, FileSystem
from hdfs_contents.paths import temporary_beside

log = logging.getLogger(__name__)

_PIECE = 4 * 1024 * 1024


def write_file(
    fs: FileSystem,
    target: str,
    pieces: Iterable[bytes],
    *,
    keep: FileStatus | None = None,
    mode: int = 0o644,
) -> FileStatus:
    """Makes `pieces` the content of `target` and returns its status, which the next `stat` gives
    too. `keep` is the file whose mode and group it gets; without one it is created with `mode`."""
    temporary = temporary_beside(target)
    opened = fs.open_write(temporary, keep.mode & 0o777 if keep else mode)
    try:
        with opened as file:
            for piece in pieces:
                file.write(piece)
        written = fs.stat(temporary)
        if keep is not None and keep.group != written.group:
            with suppress(PermissionError):
                fs.set_owner(temporary, group=keep.group)
                written = replace(written, group=keep.group)
        fs.rename(temporary, target, overwrite=True)
    except BaseException:  # whatever ended it, what was written so far is worth nothing
        _remove(fs, temporary)
        raise
    return replace(written, path=target)


def copy_file(fs: FileSystem, source: str, target: str, *, keep: FileStatus) -> FileStatus:
    """Makes the content of `source` that of `target`, piece by piece."""
    with fs.open_read(source) as file:
        return write_file(fs, target, iter(lambda: file.read(_PIECE), b""), keep=keep)


def _remove(fs: FileSystem, temporary: str) -> None:
    try:
        fs.delete(temporary)
    except FileNotFoundError:
        pass  # the rename had been done all the same
    except OSError as error:
        log.warning("%s was left behind in HDFS: %s", temporary, error.strerror)
