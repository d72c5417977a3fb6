"""Copies files and directories, byte for byte."""

from __future__ import annotations

from tornado.web import HTTPError

from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.paths import parent
from hdfs_contents.operations.tree_copy import copy_tree
from hdfs_contents.store import ContentsStore


def copy_entry(store: ContentsStore, path: str, source: str, target: str) -> None:
    """Copy a file or directory to a path that does not exist."""
    fs = store.fs
    status = fs.stat(source)
    store.refuse_unknown_content(status)
    refuse_large_directory(store, path, status, "copied here", "use hdfs dfs -cp")
    if status.is_dir:
        fs.mkdirs(parent(target))
    copy_tree(fs, status, target)


def refuse_large_directory(
    store: ContentsStore, path: str, status: FileStatus, action: str, advice: str
) -> None:
    """Raise HTTPError 413 for a directory that is too large to copy while a browser waits."""
    if not status.is_dir:
        return
    size = store.fs.usage(status.path).size_bytes / 1e6
    limit = store.options.max_copy_folder_size_mb
    if size > limit:
        raise HTTPError(
            413,
            f"{path} is {size:,.0f} MB. Directories over {limit:,} MB cannot be {action}; "
            f"{advice}.",
        )
