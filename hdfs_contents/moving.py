"""What `HDFSContentsManager` does in a thread to delete, move and copy files and directories."""

from __future__ import annotations

import errno

from tornado.web import HTTPError

from hdfs_contents import copying
from hdfs_contents.atomic import moved_aside
from hdfs_contents.errors import http_error
from hdfs_contents.interface import FileStatus
from hdfs_contents.paths import CHECKPOINT_DIR, is_temporary, parent
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
    with moved_aside(fs, located) as aside:
        _check_seems_empty(store, path, aside)
        fs.delete(aside, recursive=True)


def _check_seems_empty(store: ContentsStore, path: str, located: str) -> None:
    names = (status.name for status in store.fs.list_dir(located))
    if not all(name == CHECKPOINT_DIR or is_temporary(name) for name in names):
        raise HTTPError(400, f"Directory {path} not empty")


def rename(store: ContentsStore, old_path: str, source: str, target: str) -> None:
    """Move a file or directory to a path that nothing has; between HDFS and a local folder by a
    copy."""
    fs = store.fs
    if fs.exists(target):
        raise FileExistsError(errno.EEXIST, "it exists already", target)
    try:
        fs.rename(source, target)
    except FileNotFoundError as error:
        if fs.exists(source):
            raise
        raise http_error(error, old_path) from error
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        status = fs.stat(source)
        _refuse_large(store, old_path, status, "moved by a copy here: move it in smaller parts")
        copying.move_by_copy(fs, status, target)


def copy(store: ContentsStore, path: str, source: str, target: str) -> None:
    """Copy a file or directory to a path that nothing has."""
    fs = store.fs
    status = fs.stat(source)
    _refuse_large(store, path, status, "copied here: use hdfs dfs -cp")
    if status.is_dir:
        fs.mkdirs(parent(target))
    copying.copy(fs, status, target)


def _refuse_large(store: ContentsStore, path: str, status: FileStatus, what_to_do: str) -> None:
    """Raise HTTPError 413 for a directory that is too large to be copied while a browser waits."""
    if not status.is_dir:
        return
    size = store.fs.usage(status.path).size_bytes / 1e6
    if size > store.options.max_copy_folder_size_mb:
        raise HTTPError(
            413,
            f"{path} has {size:,.0f} MB, and no directory of more than "
            f"{store.options.max_copy_folder_size_mb:,} MB is {what_to_do}",
        )
