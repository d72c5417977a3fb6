"""Notebooks and files in HDFS, for jupyter_server.

    c.ServerApp.contents_manager_class = "hdfs_contents.HDFSContentsManager"

Public are `HDFSContentsManager` and `HDFSCheckpoints`, with their options, the options of
`hdfs_contents.session.app.SessionState`, and `hdfs_contents.spark.keep_tokens`. Everything else may
change in any release.

The classes are imported on first use, so that importing this package does not need jupyter_server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hdfs_contents.checkpoints import HDFSCheckpoints
    from hdfs_contents.manager import HDFSContentsManager

__all__ = ["HDFSCheckpoints", "HDFSContentsManager"]

_MODULES = {
    "HDFSCheckpoints": "hdfs_contents.checkpoints",
    "HDFSContentsManager": "hdfs_contents.manager",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
