"""Files and directories that appear, or are replaced, as a whole.

- Readers see the old content or the new, never a mix and never nothing: the new content is written
  to a hidden temporary in the same directory, then renamed over the old file in one step.
- The file keeps its mode, its ACL, and its group where HDFS allows it, and is at no time open to
  more people than before. Its owner becomes who wrote it last, as only a superuser can give it
  away; who owned it before may do with it what they could.
- Nothing is replaced but what the caller has seen: a file that somebody else has made, changed or
  replaced meanwhile stays, and the caller is told (EEXIST or ESTALE). HDFS has no compare-and-swap:
  so of all who replace one file at once, on whatever machine, only the one goes on who gets hold
  of a name that is the same for everybody, and looks afterwards whose content it was: who took too
  long may have lost that name to another.
- After a failure the file is as it was, and the temporary is removed, as far as HDFS answers.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import lock_path, quarantine_path, temporary_beside

log = logging.getLogger(__name__)

_CHUNK = 4 * 1024 * 1024

#: How many seconds are waited before each try to get one's turn; another's takes milliseconds.
_TURN_WAITS = (0, 0.01, 0.05, 0.2, 0.5)

#: Who has the turn, and has closed the file so long ago, is taken for dead: even a call that hangs
#: is given up before. Who is not, but was held up by many of them, finds out.
_TURN_DEAD_MS = 60_000


def write_file(
    fs: FileSystem,
    target: str,
    pieces: Iterable[bytes],
    *,
    replaces: FileStatus | None,
    keep: FileStatus | None = None,
) -> FileStatus:
    """Make `pieces` the content of `target` and return its status, which the next `stat` gives
    too. It replaces the file as `replaces` has seen it, or nothing, and gets the mode, group and
    ACL of that file, or of `keep`."""
    keep = replaces or keep
    temporary = temporary_beside(target)
    opened = fs.open_write(temporary, first_mode(keep))
    with removed_on_failure(fs, temporary):
        with opened as file:
            size = sum(file.write(piece) for piece in pieces)
        return publish(fs, temporary, target, size=size, replaces=replaces, keep=keep)


def copy_file(
    fs: FileSystem,
    source: str,
    target: str,
    *,
    replaces: FileStatus | None,
    keep: FileStatus | None = None,
) -> FileStatus:
    """Make the content of `source` that of `target`, piece by piece."""
    return write_file(fs, target, chunks_of(fs, source), replaces=replaces, keep=keep)


def chunks_of(fs: FileSystem, path: str) -> Iterator[bytes]:
    """Read a file piece by piece: 4 MiB each, but for the last."""
    with fs.open_read(path) as file:
        while piece := file.read(_CHUNK):
            yield piece


def first_mode(keep: FileStatus | None) -> int | None:
    """Return the mode of a temporary: its owner's alone, where it shall be like another file; else
    None, for that of a new one."""
    return 0o600 if keep else None


def publish(
    fs: FileSystem,
    temporary: str,
    target: str,
    *,
    size: int,
    replaces: FileStatus | None,
    keep: FileStatus | None,
) -> FileStatus:
    """Give the temporary, into which `size` bytes were written, the access of `keep` and its name.

    A file that somebody else has closed meanwhile has lost bytes, perhaps without any error.
    """
    written = _with_access(fs, temporary, keep, replaces=replaces is not None)
    if written.size != size:
        raise OSError(
            errno.EAGAIN, f"HDFS has kept {written.size:,} of {size:,} bytes: save it again", target
        )
    if replaces is None:
        fs.rename(temporary, target)
    else:
        _replace(fs, written, target, replaces)
    return written._replace(path=target)


def _with_access(
    fs: FileSystem, temporary: str, keep: FileStatus | None, *, replaces: bool
) -> FileStatus:
    if keep is not None:
        with suppress(FileNotFoundError):  # deleted meanwhile: it stays its owner's alone
            return fs.copy_access(keep.path, temporary, replaces=replaces)
    return fs.stat(temporary)


def _replace(fs: FileSystem, written: FileStatus, target: str, seen: FileStatus) -> None:
    """Rename over the target if it is as it was seen, or is gone."""
    turn = lock_path(target)
    _acquire_lock(fs, written, turn)
    with removed_on_failure(fs, turn, only=written):
        with suppress(FileNotFoundError):
            refuse_changed(fs.stat(target), seen)
        fs.rename(turn, target, overwrite=True)
    # Whoever thought us dead has deleted what we had there, and put their own in its place.
    if not _is_same(fs.stat(target), written):
        raise OSError(
            errno.EAGAIN, "somebody else has saved it at the same moment: save it again", target
        )


def _acquire_lock(fs: FileSystem, written: FileStatus, turn: str) -> None:
    """Rename the temporary to the name that only one at a time can have."""
    for wait in _TURN_WAITS:
        time.sleep(wait)
        # Without an answer it may be ours all the same.
        with removed_on_failure(fs, turn, only=written), suppress(FileExistsError):
            fs.rename(written.path, turn)
            return
        _break_stale_lock(fs, written, turn)
    raise OSError(errno.EBUSY, "somebody else is saving it: try again in a minute", turn)


def _break_stale_lock(fs: FileSystem, written: FileStatus, turn: str) -> None:
    with suppress(FileNotFoundError):
        # Both times are the NameNode's own.
        if written.modified_ms - fs.stat(turn).modified_ms > _TURN_DEAD_MS:
            fs.delete(turn)


def refuse_changed(found: FileStatus, seen: FileStatus) -> None:
    """Raise an OSError, ESTALE, where a file is not the one that was seen."""
    if not _is_same(found, seen):
        raise OSError(
            errno.ESTALE,
            f"{found.owner} has changed it since it was opened here: reload it, or save what you "
            "have under another name",
            found.path,
        )


def _is_same(one: FileStatus, other: FileStatus) -> bool:
    """Tell whether it is the same content in both, under whatever name."""
    return (one.modified_ms, one.size) == (other.modified_ms, other.size)


@contextmanager
def removed_on_failure(
    fs: FileSystem, temporary: str, *, only: FileStatus | None = None
) -> Iterator[None]:
    """Delete the temporary, a file or a directory, where what is done inside fails; `only` if it is
    still that file."""
    try:
        yield
    except BaseException:  # whatever ended it, what was written so far is worth nothing
        _remove(fs, temporary, only)
        raise


@contextmanager
def quarantined(fs: FileSystem, path: str) -> Iterator[str]:
    """Give a file or directory a hidden name, which is yielded; its own again where what is done
    inside fails."""
    aside = quarantine_path(path)
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


def _remove(fs: FileSystem, temporary: str, only: FileStatus | None) -> None:
    try:
        if only is None or _is_same(fs.stat(temporary), only):
            fs.delete(temporary, recursive=True)
    except FileNotFoundError:
        pass  # the rename had been done all the same
    except OSError as error:
        log.warning("%s was left behind in HDFS: %s", temporary, error.strerror)
