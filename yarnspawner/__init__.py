"""YarnSpawner: JupyterHub's servers as YARN applications.

`c.JupyterHub.spawner_class = "yarn"`

The spawner is imported when it is asked for, so that `hadoop_client` works where JupyterHub is
not installed, and starts at once where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yarnspawner.spawner import YarnSpawner

__all__ = ["YarnSpawner"]


def __getattr__(name: str) -> Any:
    if name == "YarnSpawner":
        from yarnspawner.spawner import YarnSpawner

        return YarnSpawner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
