"""Imports that a server's start does not need, deferred until their modules are used.

Jupyter's packages import modules that a server uses late or never: the hub's database and pages, a
grammar of addresses, HTTP clients. The server gets a stand-in for each of them. The first use of a
stand-in's attribute imports the module through the usual import system, and the module then
replaces the stand-in in all modules that imported it.

- `from module import name` uses an attribute at once. The deferral therefore lists the names that
  are imported in this way, and they get stand-ins too. These can be called, used in `isinstance`
  and in `except`: nothing is an instance of a class before the class exists.
- Any other use imports the module: of another name, or of a submodule. A version of Jupyter that
  uses a module in another way starts more slowly and works in the same way.
- A module that is not installed is not deferred: its importer gets the ImportError.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import Lock
from types import ModuleType
from typing import Any

#: The deferred modules, with the names that other modules import from them.
DEFERRED: dict[str, tuple[str, ...]] = {
    # jupyterhub.log asks whether a request is for the hub's health check; the rest is for hubs.
    "jupyterhub.handlers": (),
    "jupyterhub.handlers.pages": ("HealthCheckHandler",),
    "jupyterhub.orm": (),
    "jupyterhub.roles": (),
    "sqlalchemy": (),
    "sqlalchemy.exc": ("SQLAlchemyError",),
    # JupyterLab's extension manager, if it may install, and its lists of extensions.
    "jupyterlab.extensions.pypi": ("PyPIExtensionManager",),
    "requests": (),
    # Formats of jsonschema that no schema of Jupyter has. The first parses a grammar at its import.
    "rfc3987_syntax": ("is_valid_syntax",),
    # The shell. A server looks for the directory of its configuration.
    "IPython": (),
}

#: The submodules of deferred packages that do not need their package; theirs neither.
INDEPENDENT = ("IPython.paths", "IPython.utils")


class DeferredModule(ModuleType):
    """A stand-in for a module that is imported when an attribute is used."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # the import system asks whether the module is a package
            raise AttributeError(name)
        return getattr(load(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        # The import system sets attributes of its own, and imported submodules.
        if name.startswith("__") or (isinstance(value, ModuleType) and _is_in_place(self)):
            super().__setattr__(name, value)
        else:
            setattr(load(self), name, value)


class DeferredName(type):
    """The class of the stand-ins for functions and classes of deferred modules."""

    module: DeferredModule

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return getattr(load(cls.module), cls.__name__)(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        return getattr(getattr(load(cls.module), cls.__name__), name)

    def __instancecheck__(cls, instance: object) -> bool:
        module = sys.modules.get(cls.module.__name__, cls.module)
        return module is not cls.module and isinstance(instance, getattr(module, cls.__name__))


def defer(modules: Mapping[str, Sequence[str]] = DEFERRED) -> None:
    """Defer the imports of `modules` in this process, but for those that are imported already."""
    sys.meta_path.insert(0, _DeferringFinder(modules))


#: The stand-ins that may be in other modules still, by the modules' names.
_standins: dict[str, DeferredModule] = {}
_removal = Lock()


def load(standin: DeferredModule) -> ModuleType:
    """Import the module of a stand-in; returns the module.

    All stand-ins of its package are removed first, so that the modules of the package find each
    other in their usual order. Threads that use a stand-in together wait in the import system.
    """
    package = standin.__name__.partition(".")[0]
    family = [other for name, other in [*_standins.items()] if name.partition(".")[0] == package]
    with _removal:
        for other in family:
            _remove(other)
    module = import_module(standin.__name__)
    for other in family:
        imported = sys.modules.get(other.__name__)
        if imported is not None and _replace(other, imported):
            _standins.pop(other.__name__, None)
    return module


def _is_in_place(standin: DeferredModule) -> bool:
    return sys.modules.get(standin.__name__) is standin


def _remove(standin: DeferredModule) -> None:
    if not _is_in_place(standin):
        return
    del sys.modules[standin.__name__]
    parent, _, name = standin.__name__.rpartition(".")
    namespace = vars(sys.modules.get(parent, standin))
    if namespace.get(name) is standin:
        del namespace[name]


def _replace(standin: DeferredModule, module: ModuleType) -> bool:
    """Give each module that imported the stand-in, or a name of it, the real object.

    Returns whether the module has all names: it may be in the middle of its import.
    """
    for name, value in vars(standin).copy().items():
        if isinstance(value, ModuleType) and not hasattr(module, name):
            setattr(module, name, value)  # a submodule that was imported before
    is_complete = True
    for importer in [standin, *sys.modules.values()]:
        namespace = getattr(importer, "__dict__", {})
        for name, value in list(namespace.items()):
            if value is standin:
                namespace[name] = module
            elif type(value) is DeferredName and value.module is standin:
                if hasattr(module, value.__name__):
                    namespace[name] = getattr(module, value.__name__)
                else:
                    is_complete = False
    return is_complete


class _DeferringFinder(MetaPathFinder):
    """Finds the stand-ins, and imports a deferred package before one of its submodules."""

    def __init__(self, modules: Mapping[str, Sequence[str]]) -> None:
        self._names = dict(modules)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # A name is taken once: the next import of it is that of the module itself.
        names = self._names.pop(name, None)
        if names is not None:
            spec = PathFinder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _StandInLoader(names, spec.loader)
            return spec
        parent = sys.modules.get(name.rpartition(".")[0])
        if isinstance(parent, DeferredModule) and not name.startswith(INDEPENDENT):
            load(parent)
            if name in sys.modules:  # the package has imported it
                return _imported_spec(sys.modules[name])
        return None


class _StandInLoader(Loader):
    """Makes a stand-in out of the module that the import system has prepared."""

    def __init__(self, names: Sequence[str], loader: Loader) -> None:
        self._names = names
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        for name in self._names:
            # An exception, because only such a class can stand in an `except`.
            standin = DeferredName(name, (BaseException,), {"module": module})
            setattr(module, name, standin)
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        module.__class__ = DeferredModule
        assert isinstance(module, DeferredModule)
        _standins[module.__name__] = module


def _imported_spec(module: ModuleType) -> ModuleSpec:
    """Return a spec that is loaded by taking the module, which was imported during the search.

    The import system would otherwise load the module again, by its own spec.
    """
    spec = ModuleSpec(module.__name__, _ImportedLoader(module))
    module.__spec__ = spec
    return spec


class _ImportedLoader(Loader):
    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
