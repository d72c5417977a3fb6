"""A real Hadoop on this machine, of real daemons, for tests, the demo and a first look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarnhub.minihadoop.errors import MiniHadoopError

if TYPE_CHECKING:
    from yarnhub.minihadoop.cluster import MiniHadoop

__all__ = ["MiniHadoop", "MiniHadoopError"]


def __getattr__(name: str) -> object:
    """Import the cluster when it is wanted: neither `yarnhub --help` nor a watcher needs it."""
    if name != "MiniHadoop":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from yarnhub.minihadoop.cluster import MiniHadoop

    return MiniHadoop
