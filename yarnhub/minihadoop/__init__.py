"""A Hadoop of real daemons on this machine, for tests, the demo and a first look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarnhub.minihadoop.errors import MiniHadoopError

if TYPE_CHECKING:
    from yarnhub.minihadoop.cluster import MiniHadoop

__all__ = ["MiniHadoop", "MiniHadoopError"]


def __getattr__(name: str) -> object:
    """Import the cluster on first use: `yarnhub --help` and the watchdog do not need it."""
    if name != "MiniHadoop":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from yarnhub.minihadoop.cluster import MiniHadoop

    return MiniHadoop
