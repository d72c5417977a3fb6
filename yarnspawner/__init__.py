"""JupyterHub's servers as YARN applications.

    c.JupyterHub.spawner_class = "yarn"

The public API:

- `YarnSpawner`: the spawner. Its options are in docs/reference.md.
- `LaunchSpec`: a server as a YARN application, for `c.YarnSpawner.modify_spec_hook`.

Everything else may change in any release. Both are imported on first use, so that the modules that
need no JupyterHub work without it and load fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarnspawner.launch.spec import LaunchSpec
    from yarnspawner.spawner import YarnSpawner

__all__ = ["LaunchSpec", "YarnSpawner"]

_MODULES = {"LaunchSpec": "yarnspawner.launch.spec", "YarnSpawner": "yarnspawner.spawner"}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
