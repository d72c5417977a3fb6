"""Notebooks in HDFS: a contents manager for jupyter_server.

`c.ServerApp.contents_manager_class = "hdfs_contents.HDFSContentsManager"`

The manager is imported when it is asked for, so that `hadoop_client.hdfs.filesystem` works where
jupyter_server is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hdfs_contents.checkpoints import HDFSCheckpoints
    from hdfs_contents.manager import HDFSContentsManager

__all__ = ["HDFSCheckpoints", "HDFSContentsManager"]


def __getattr__(name: str) -> Any:
    if name == "HDFSContentsManager":
        from hdfs_contents.manager import HDFSContentsManager

        return HDFSContentsManager
    if name == "HDFSCheckpoints":
        from hdfs_contents.checkpoints import HDFSCheckpoints

        return HDFSCheckpoints
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
