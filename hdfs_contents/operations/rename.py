"""Renames and moves files and directories."""

from __future__ import annotations

import errno

from hdfs_contents.http_errors import http_error
from hdfs_contents.operations.copy import refuse_large_directory
from hdfs_contents.operations.tree_copy import move_tree
from hdfs_contents.store import ContentsStore


def rename_entry(store: ContentsStore, old_path: str, source: str, target: str) -> None:
    """Move a file or directory to a path that does not exist.

    A move that HDFS cannot do by a rename, such as one to a local directory, is done by a copy.
    """
    if store.fs.exists(target):
        raise FileExistsError(errno.EEXIST, "it already exists", target)
    _move(store, old_path, source, target)
    store.last_seen.move(source, target)


def _move(store: ContentsStore, old_path: str, source: str, target: str) -> None:
    fs = store.fs
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
        store.refuse_unclosed(source, "Move it when that program has closed it")
        refuse_large_directory(
            store, old_path, status, "moved between file systems", "move it in smaller parts"
        )
        move_tree(fs, status, target)
