"""What `HDFSContentsManager` does in a thread to delete, move and copy files and directories."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from tornado.web import HTTPError

from hdfs_contents import copying
from hdfs_contents.atomic import moved_aside
from hdfs_contents.checkpoints import CHECKPOINT_DIR
from hdfs_contents.errors import http_error
from hdfs_contents.filesystem import FileStatus
from hdfs_contents.paths import is_temporary, parent

if TYPE_CHECKING:
    from hdfs_contents.manager import HDFSContentsManager


def delete(manager: HDFSContentsManager, path: str, located: str) -> None:
    """Move it to the trash, or delete it for good where there is no trash."""
    fs = manager.filesystem
    if manager.delete_to_trash and _put_in_trash(manager, located):
        return
    if fs.stat(located).is_dir and not manager.always_delete_dir:
        _delete_seemingly_empty(manager, path, located)
    else:
        fs.delete(located, recursive=True)


def _put_in_trash(manager: HDFSContentsManager, located: str) -> bool:
    try:
        return manager.filesystem.trash(located) is not None
    except FileNotFoundError:
        raise
    except OSError as error:
        error.strerror = f"it can't be moved to the trash in HDFS: {error.strerror}"
        raise


def _delete_seemingly_empty(manager: HDFSContentsManager, path: str, located: str) -> None:
    """Delete a directory in which people see nothing, with the checkpoints of former files: in one
    step, and out of the way, so that nothing that comes in meanwhile goes with it."""
    fs = manager.filesystem
    _check_seems_empty(manager, path, located)
    with moved_aside(fs, located) as aside:
        _check_seems_empty(manager, path, aside)
        fs.delete(aside, recursive=True)


def _check_seems_empty(manager: HDFSContentsManager, path: str, located: str) -> None:
    names = (status.name for status in manager.filesystem.list_dir(located))
    if not all(name == CHECKPOINT_DIR or is_temporary(name) for name in names):
        raise HTTPError(400, f"Directory {path} not empty")


def rename(manager: HDFSContentsManager, old_path: str, source: str, target: str) -> None:
    """Move a file or directory to a path that nothing has; between HDFS and a local folder by a
    copy."""
    fs = manager.filesystem
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
        _refuse_large(manager, old_path, status, "moved by a copy here: move it in smaller parts")
        copying.move_by_copy(fs, status, target)


def copy(manager: HDFSContentsManager, path: str, source: str, target: str) -> None:
    """Copy a file or directory to a path that nothing has."""
    fs = manager.filesystem
    status = fs.stat(source)
    _refuse_large(manager, path, status, "copied here: use hdfs dfs -cp")
    if status.is_dir:
        fs.mkdirs(parent(target))
    copying.copy(fs, status, target)


def _refuse_large(
    manager: HDFSContentsManager, path: str, status: FileStatus, what_to_do: str
) -> None:
    """Raise HTTPError 413 for a directory that is too large to be copied while a browser waits."""
    if not status.is_dir:
        return
    size = manager.filesystem.usage(status.path).size_bytes / 1e6
    if size > manager.max_copy_folder_size_mb:
        raise HTTPError(
            413,
            f"{path} has {size:,.0f} MB, and no directory of more than "
            f"{manager.max_copy_folder_size_mb:,} MB is {what_to_do}",
        )
