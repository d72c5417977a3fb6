"""Deletes files and directories: to the trash, or for good where there is none."""

from __future__ import annotations

from tornado.web import HTTPError

from hadoop_client.hdfs.atomic import quarantined
from hadoop_client.hdfs.paths import is_temporary
from hdfs_contents.paths import CHECKPOINT_DIR
from hdfs_contents.store import ContentsStore


def delete(store: ContentsStore, path: str, located: str) -> None:
    """Move it to the trash, or delete it for good where there is no trash."""
    fs = store.fs
    if store.options.delete_to_trash and _put_in_trash(store, located):
        return
    if fs.stat(located).is_dir and not store.options.always_delete_dir:
        _delete_seemingly_empty(store, path, located)
    else:
        fs.delete(located, recursive=True)


def _put_in_trash(store: ContentsStore, located: str) -> bool:
    try:
        return store.fs.trash(located) is not None
    except FileNotFoundError:
        raise
    except OSError as error:
        error.strerror = f"it can't be moved to the trash in HDFS: {error.strerror}"
        raise


def _delete_seemingly_empty(store: ContentsStore, path: str, located: str) -> None:
    """Delete a directory in which people see nothing, with the checkpoints of former files: in one
    step, and out of the way, so that nothing that comes in meanwhile goes with it."""
    fs = store.fs
    _check_seems_empty(store, path, located)
    with quarantined(fs, located) as aside:
        _check_seems_empty(store, path, aside)
        fs.delete(aside, recursive=True)


def _check_seems_empty(store: ContentsStore, path: str, located: str) -> None:
    names = (status.name for status in store.fs.list_dir(located))
    if not all(name == CHECKPOINT_DIR or is_temporary(name) for name in names):
        raise HTTPError(400, f"Directory {path} not empty")
