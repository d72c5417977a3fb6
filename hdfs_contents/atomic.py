"""Files that are replaced as a whole.

- Readers see the old content or the new, never a mix and never nothing: the new content is written
  to a hidden temporary in the same directory, then renamed over the old file in one step.
- The file keeps its mode, its ACL, and its group where HDFS allows it, and is at no time open to
  more people than before. Its owner becomes who wrote it last: only a superuser can give it away.
- A file that somebody else has made meanwhile is not replaced where none was to be.
- After a failure the file is as it was, and the temporary is removed, as far as HDFS answers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
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
    keep: FileStatus | None,
    overwrite: bool,
) -> FileStatus:
    """Make `pieces` the content of `target` and return its status, which the next `stat` gives
    too. `keep` is the file whose mode, group and ACL it gets. FileExistsError unless `overwrite`
    where `target` is there by then."""
    temporary = temporary_beside(target)
    opened = fs.open_write(temporary, first_mode(keep))
    with removed_on_failure(fs, temporary):
        with opened as file:
            for piece in pieces:
                file.write(piece)
        return publish(fs, temporary, target, keep=keep, overwrite=overwrite)


def copy_file(
    fs: FileSystem, source: str, target: str, *, keep: FileStatus, overwrite: bool
) -> FileStatus:
    """Make the content of `source` that of `target`, piece by piece."""
    with fs.open_read(source) as file:
        pieces = iter(lambda: file.read(_PIECE), b"")
        return write_file(fs, target, pieces, keep=keep, overwrite=overwrite)


def first_mode(keep: FileStatus | None) -> int:
    """Return the mode of a temporary: its owner's alone, where it shall be like another file."""
    return 0o600 if keep else 0o644


def publish(
    fs: FileSystem, temporary: str, target: str, *, keep: FileStatus | None, overwrite: bool
) -> FileStatus:
    """Give the temporary, which is written and closed, the access of `keep` and its name."""
    written = _with_access(fs, temporary, keep)
    fs.rename(temporary, target, overwrite=overwrite)
    return replace(written, path=target)


def _with_access(fs: FileSystem, temporary: str, keep: FileStatus | None) -> FileStatus:
    if keep is not None:
        with suppress(FileNotFoundError):  # deleted meanwhile: it stays its owner's alone
            return fs.copy_access(keep.path, temporary)
    return fs.stat(temporary)


@contextmanager
def removed_on_failure(fs: FileSystem, temporary: str) -> Iterator[None]:
    """Delete the temporary where what is done inside fails."""
    try:
        yield
    except BaseException:  # whatever ended it, what was written so far is worth nothing
        _remove(fs, temporary)
        raise


@contextmanager
def moved_aside(fs: FileSystem, path: str) -> Iterator[str]:
    """Give a directory a hidden name, which is yielded; its own again where what is done inside
    fails."""
    aside = temporary_beside(path)
    fs.rename(path, aside)
    try:
        yield aside
    except BaseException:  # whatever ended it, what is there belongs where it was
        _put_back(fs, aside, path)
        raise


def _put_back(fs: FileSystem, aside: str, path: str) -> None:
    try:
        fs.rename(aside, path)
    except FileNotFoundError:
        pass  # it had been deleted all the same
    except OSError as error:
        log.warning("%s has become %s in HDFS: %s", path, aside, error.strerror)


def _remove(fs: FileSystem, temporary: str) -> None:
    try:
        fs.delete(temporary)
    except FileNotFoundError:
        pass  # the rename had been done all the same
    except OSError as error:
        log.warning("%s was left behind in HDFS: %s", temporary, error.strerror)
