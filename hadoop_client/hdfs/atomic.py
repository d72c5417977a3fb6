"""Creates and replaces files and directories atomically.

- Readers see the old content or the new, never a mix and never nothing. The new content is written
  to a hidden temporary file in the same directory, then renamed over the old file.
- The file keeps its mode, its ACL, and its group if HDFS allows it, or has those of another file,
  as a checkpoint has. Access is never wider than that. The last writer owns the file, because only
  a superuser can give it away; the previous owner of a file that keeps its access keeps theirs.
- Only the version that the caller has seen is replaced. If another client has created, changed or
  replaced the file since then, it stays, and the caller gets EEXIST or ESTALE.
- After a failure the file is unchanged. The temporary file is deleted if HDFS answers.

HDFS has no compare-and-swap. Concurrent writers of a file, on any machine, therefore serialise on a
lock file: a fixed name, acquired by a rename. A slow writer may lose the lock, so each verifies
afterwards that its own content is in place. A stale lock is replaced by a rename too, because that
is allowed to every client that may replace the file: HDFS compares no owner of what a rename
replaces, even in a directory with the sticky bit.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from hadoop_client.configuration import DAY_MS
from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import lock_path, quarantine_path, temporary_beside

log = logging.getLogger(__name__)

_CHUNK = 4 * 1024 * 1024

#: Seconds to wait before each attempt to acquire the lock. Others hold it for milliseconds.
_LOCK_WAITS = (0, 0.01, 0.05, 0.2, 0.5)

#: A lock file of this age is stale: its holder's calls have timed out before. A holder that was
#: only slow notices the loss when it verifies.
_STALE_LOCK_MS = 60_000

#: No clocks differ by so much. A lock whose time lies further ahead would never get stale.
_AHEAD_MS = DAY_MS


def write_file(
    fs: FileSystem,
    target: str,
    chunks: Iterable[bytes],
    *,
    replaces: FileStatus | None,
    keep: FileStatus | None = None,
    mode: int | None = None,
    modified_ms: int | None = None,
    before_rename: Callable[[FileStatus], None] | None = None,
) -> FileStatus:
    """Write `chunks` to `target` and return the status that the next `stat` returns.

    The file replaces the version in `replaces`, or is new if that is None. It gets the mode, group
    and ACL of `keep`, or else of that version, or else `mode`, or else the mode of any new file.
    Its time is `modified_ms`, or else the current one. `before_rename` is called with the status
    that the file will have.
    """
    keep = keep or replaces
    temporary = temporary_beside(target)
    opened = fs.open_write(temporary, first_mode(keep) or mode)
    with removed_on_failure(fs, temporary):
        with opened as file:
            size = sum(file.write(chunk) for chunk in chunks)
        if modified_ms is not None:
            fs.set_times(temporary, modified_ms=modified_ms)
        return publish(
            fs,
            temporary,
            target,
            size=size,
            replaces=replaces,
            keep=keep,
            before_rename=before_rename,
        )


def copy_file(
    fs: FileSystem,
    source: str,
    target: str,
    *,
    replaces: FileStatus | None,
    keep: FileStatus | None = None,
    mode: int | None = None,
) -> FileStatus:
    """Copy the content of `source` to `target`; see `write_file`."""
    return write_file(fs, target, chunks_of(fs, source), replaces=replaces, keep=keep, mode=mode)


def chunks_of(fs: FileSystem, path: str) -> Iterator[bytes]:
    """Read a file in chunks of 4 MiB; the last may be shorter."""
    with fs.open_read(path) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def first_mode(keep: FileStatus | None) -> int | None:
    """Return the mode of a temporary file: private until it gets the access of `keep`, or None for
    the mode of any new file."""
    return 0o600 if keep else None


def publish(
    fs: FileSystem,
    temporary: str,
    target: str,
    *,
    size: int,
    replaces: FileStatus | None,
    keep: FileStatus | None,
    before_rename: Callable[[FileStatus], None] | None = None,
) -> FileStatus:
    """Give the temporary file, which has `size` bytes, the access of `keep` and its final name.

    The owner of a file that is replaced keeps their access only if that file is `keep`: another
    user may have put the file there.
    """
    written = _with_access(fs, temporary, keep, replaces=keep == replaces)
    refuse_lost_bytes(written._replace(path=target), size, "save again")
    if before_rename is not None:
        before_rename(written._replace(path=target))
    if replaces is None:
        fs.rename(temporary, target)
    else:
        _replace(fs, written, target, replaces)
    return written._replace(path=target)


def refuse_lost_bytes(written: FileStatus, size: int, advice: str) -> None:
    """Raise OSError, EAGAIN, if a file that was written has another size."""
    if written.size != size:
        # HDFS may close the file of a writer that it takes for dead, without any error to it.
        raise OSError(
            errno.EAGAIN,
            f"HDFS kept only {written.size:,} of {size:,} bytes: {advice}",
            written.path,
        )


def _with_access(
    fs: FileSystem, temporary: str, keep: FileStatus | None, *, replaces: bool
) -> FileStatus:
    if keep is not None:
        with suppress(FileNotFoundError):  # deleted since then: the new file stays private
            return fs.copy_access(keep.path, temporary, replaces=replaces)
    return fs.stat(temporary)


def _replace(fs: FileSystem, written: FileStatus, target: str, seen: FileStatus) -> None:
    """Rename the new file over the target if that is unchanged, or gone."""
    lock = lock_path(target)
    _acquire_lock(fs, written, lock, seen)
    with removed_on_failure(fs, lock, only=written):
        with suppress(FileNotFoundError):
            refuse_changed(fs.stat(target), seen)
        fs.rename(lock, target, overwrite=True)
    current = fs.stat(target)
    if is_same(current, written):
        return
    # A client that broke this lock as stale has deleted the file there, and renamed its own.
    reason = "another client saved it at the same time: save again"
    if is_same(current, seen):
        # A router renames within a name service, and has not replaced the file in another one.
        reason = (
            "HDFS still has the former version after the new one was renamed over it, as in a "
            "router's mount with several targets: save again, and ask an administrator to give "
            "this directory one target"
        )
    raise OSError(errno.EAGAIN, reason, target)


def _acquire_lock(fs: FileSystem, written: FileStatus, lock: str, seen: FileStatus) -> None:
    """Rename the new file to the lock's name, which only one file can have."""
    reason = "another client is saving it: try again in a minute"
    for wait in _LOCK_WAITS:
        time.sleep(wait)
        # A rename that timed out may have succeeded.
        with removed_on_failure(fs, lock, only=written), suppress(FileExistsError):
            fs.rename(written.path, lock)
            return
        with suppress(FileNotFoundError):
            held = fs.stat(lock)
            _refuse_directory(held)
            if _is_stale(held, written, seen):
                # Not deleted: in a directory with the sticky bit only its owner could do that.
                with removed_on_failure(fs, lock, only=written):
                    fs.rename(written.path, lock, overwrite=True)
                return
            reason = (
                "another client is saving it: try again in a minute. "
                f"The lock is {lock} of {held.owner}"
            )
    raise OSError(errno.EBUSY, reason, lock)


def _is_stale(held: FileStatus, written: FileStatus, seen: FileStatus) -> bool:
    """Return whether no client that saves the file `seen` can still need a lock."""
    others_may_write = seen.mode & 0o022  # with an ACL, the group's bits are its mask
    return (
        # Both times are from the NameNode's clock, unless a program has set them.
        written.modified_ms - held.modified_ms > _STALE_LOCK_MS
        or held.modified_ms - time.time() * 1000 > _AHEAD_MS
        or (not others_may_write and held.owner not in (seen.owner, written.owner))
    )


def _refuse_directory(held: FileStatus) -> None:
    if held.is_dir:
        raise OSError(
            errno.EBUSY,
            f"a directory of {held.owner} is in the place of its lock: save your version under "
            f"another name, or ask {held.owner} or an administrator to delete {held.path}",
            held.path,
        )


def refuse_changed(current: FileStatus, seen: FileStatus) -> None:
    """Raise an OSError, ESTALE, if a file is not the version that was seen."""
    if not is_same(current, seen):
        raise OSError(
            errno.ESTALE,
            f"{current.owner} has changed it since it was opened here: reload it, or save your "
            "version under another name",
            current.path,
        )


def is_same(one: FileStatus, other: FileStatus) -> bool:
    """Return whether both have the same content, under any name."""
    return (one.modified_ms, one.size) == (other.modified_ms, other.size)


@contextmanager
def removed_on_failure(
    fs: FileSystem,
    temporary: str,
    *,
    only: FileStatus | None = None,
    since: FileStatus | None = None,
) -> Iterator[None]:
    """Delete a temporary file or empty directory if the block fails; with `only`, if it is that
    file.

    `since` is the status of a directory just after its creation. Its content is then deleted too,
    except files that are older: another user may have put another directory in its place.
    """
    try:
        yield
    except BaseException:  # incomplete content is never kept
        _remove(fs, temporary, only, since)
        raise


@contextmanager
def quarantined(fs: FileSystem, path: str) -> Iterator[str]:
    """Rename a file or directory to a hidden name and yield that; rename it back if the block
    fails."""
    hidden = quarantine_path(path)
    fs.rename(path, hidden)
    try:
        yield hidden
    except BaseException:  # no failure may leave it under the hidden name
        _put_back(fs, hidden, path)
        raise


def _put_back(fs: FileSystem, hidden: str, path: str) -> None:
    try:
        fs.rename(hidden, path)
    except FileNotFoundError:
        pass  # the failed call had deleted it
    except OSError as error:
        log.warning("%s is left as %s in HDFS: %s", path, hidden, error.strerror)


def _remove(
    fs: FileSystem, temporary: str, only: FileStatus | None, since: FileStatus | None
) -> None:
    try:
        if since is not None:
            _empty(fs, temporary, since.modified_ms)
        if only is None or is_same(fs.stat(temporary), only):
            fs.delete(temporary)
    except FileNotFoundError:
        pass  # the failed call had renamed it
    except OSError as error:
        log.warning("%s was left behind in HDFS: %s", temporary, error.strerror)


def _empty(fs: FileSystem, directory: str, since_ms: int) -> None:
    """Delete the files in a directory tree that were written since then, and empty directories."""
    for entry in fs.list_dir(directory):
        if entry.is_dir:
            _empty(fs, entry.path, since_ms)
        elif entry.modified_ms < since_ms:
            raise OSError(errno.ENOTEMPTY, "it contains older files", directory)
        fs.delete(entry.path)
