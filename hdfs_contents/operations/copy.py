"""Copies files and directories, byte for byte."""

from __future__ import annotations

from tornado.web import HTTPError

from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.paths import parent
from hdfs_contents.operations import tree_copy
from hdfs_contents.store import ContentsStore


def copy(store: ContentsStore, path: str, source: str, target: str) -> None:
    """Copy a file or directory to a path that nothing has."""
    fs = store.fs
    status = fs.stat(source)
    refuse_large(store, path, status, "copied here: use hdfs dfs -cp")
    if status.is_dir:
        fs.mkdirs(parent(target))
    tree_copy.copy(fs, status, target)


def refuse_large(store: ContentsStore, path: str, status: FileStatus, what_to_do: str) -> None:
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
