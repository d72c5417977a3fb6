"""JupyterLab's settings of a package manager, known without starting it.

When JupyterLab 4 is imported it runs Node.js, if there is one, for the settings of the package
manager with which it would build itself. That takes a third of a second. It looks for lines that
only the package manager of JupyterLab 3 printed, so the answer is always that nothing is set.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

MODULE = "jupyterlab.commands"


def skip_node() -> None:
    """Let JupyterLab 4 take the package manager's settings as not set, if it is imported."""
    sys.meta_path.insert(0, _CommandsFinder())


class _CommandsFinder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _CommandsLoader(spec.loader)
        return spec


class _CommandsLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        names = vars(module)
        if "_yarn_config" in names and str(names.get("__version__")).startswith("4."):
            names["_yarn_config"] = no_settings


def no_settings(logger: object) -> dict[str, dict[str, Any]]:
    """Return the settings as JupyterLab reads them from the package manager of JupyterLab 4."""
    return {"yarn config": {}, "npm config": {}}
