"""Deletes files and directories: moves them to the trash, or deletes them permanently if there is
no trash or it has no place for them and the user confirms that."""

from __future__ import annotations

import errno

from tornado.web import HTTPError

from hadoop_client.hdfs.atomic import quarantined
from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.paths import is_temporary
from hdfs_contents.paths import CHECKPOINT_DIR
from hdfs_contents.permanent_deletes import CONFIRMATION_SECONDS
from hdfs_contents.store import ContentsStore


def delete_entry(store: ContentsStore, path: str, hdfs_path: str) -> None:
    """Delete a file or directory. Without a trash, HTTPError 400 for a directory that is not empty,
    unless `always_delete_dir` is set."""
    fs = store.fs
    status = fs.stat(hdfs_path)
    if store.options.delete_to_trash and _move_to_trash(store, path, status):
        store.last_seen.forget(hdfs_path)
        return
    if status.is_dir and not store.options.always_delete_dir:
        _delete_empty_directory(store, path, hdfs_path)
    else:
        fs.delete(hdfs_path, recursive=True)
    store.last_seen.forget(hdfs_path)


def _move_to_trash(store: ContentsStore, path: str, status: FileStatus) -> bool:
    """Return False if it is to be deleted permanently: the cluster has no trash, the path is
    already in it, or the user has confirmed that."""
    if store.permanent_deletes.take(status):
        return False
    try:
        return store.fs.trash(status.path) is not None
    except FileNotFoundError:
        raise
    except OSError as error:
        failure = "it cannot be moved to the trash in HDFS"
        if error.errno == errno.EDQUOT:
            raise _no_place(store, path, status, 507, f"{failure}: {error.strerror}") from error
        if error.errno == errno.ENAMETOOLONG:
            raise _no_place(store, path, status, 400, f"{failure}: its name is too long") from error
        if error.errno == errno.EXDEV:
            raise _no_place(store, path, status, 400, f"{failure}: {error.strerror}") from error
        error.strerror = f"{failure}: {error.strerror}"
        raise


def _no_place(
    store: ContentsStore, path: str, status: FileStatus, code: int, reason: str
) -> HTTPError:
    """Return the error for what the trash has no place for, and await the confirmation."""
    store.permanent_deletes.ask(status)
    minutes = f"{CONFIRMATION_SECONDS / 60:.0f} minutes"
    if status.is_dir and not store.options.always_delete_dir:
        advice = f"Delete its files first; then delete it again within {minutes}"
    else:
        advice = f"To delete it permanently, delete it again within {minutes}"
    return HTTPError(code, f"{path}: {reason}. {advice}")


def _delete_empty_directory(store: ContentsStore, path: str, hdfs_path: str) -> None:
    """Delete a directory in which the user sees nothing; checkpoints of former files may be left.

    Renaming it first keeps files that are created in it during the deletion. No directory is
    deleted with its content, so a directory that another user puts in its place, or in it, stays.
    """
    fs = store.fs
    _leftovers(store, path, hdfs_path)
    with quarantined(fs, hdfs_path) as quarantine:
        for leftover in _leftovers(store, path, quarantine):
            fs.delete(leftover.path)
        fs.delete(quarantine)


def _leftovers(store: ContentsStore, path: str, hdfs_path: str) -> list[FileStatus]:
    """Return checkpoints and temporary files in a directory; HTTPError 400 if it has other entries.

    Contents come before their directory.
    """
    found: list[FileStatus] = []
    for entry in store.fs.list_dir(hdfs_path):
        if entry.name == CHECKPOINT_DIR and entry.is_dir:
            checkpoints = store.fs.list_dir(entry.path)
            if any(checkpoint.is_dir for checkpoint in checkpoints):
                raise _not_empty(path)
            found += checkpoints
        elif entry.name != CHECKPOINT_DIR and not is_temporary(entry.name):
            raise _not_empty(path)
        found.append(entry)
    return found


def _not_empty(path: str) -> HTTPError:
    return HTTPError(400, f"Directory {path} not empty")
