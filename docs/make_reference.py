"""Writes docs/reference.md: all options, as the code itself declares them.

python docs/make_reference.py
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyterhub.spawner import Spawner
from traitlets import TraitType
from traitlets.config import Configurable

# Of this tree, and not of the copy that is installed, which may be an older one.
sys.path.insert(0, str(Path(__file__).parents[1]))
from hdfs_contents import HDFSCheckpoints, HDFSContentsManager
from hdfs_contents.packages.app import KeptPackages
from hdfs_contents.session.app import SessionState
from yarnspawner import LaunchSpec, YarnSpawner
from yarnspawner.settings import YarnSpawnerSettings

PAGE = Path(__file__).with_name("reference.md")
HEAD = """# Reference of options

<!-- Written by docs/make_reference.py from the traits themselves: edit those. -->

Set options in the configuration file of the program, as `c.NAME = VALUE`. Options of JupyterHub and
jupyter_server that are not listed here work as in their own references.
"""
SECTIONS: list[tuple[str, type[Configurable], type[Configurable]]] = [
    ("YarnSpawner, in jupyterhub_config.py", YarnSpawner, YarnSpawnerSettings),
    ("HDFSContentsManager, in the environment's jupyter_server_config.py", HDFSContentsManager,
     HDFSContentsManager),
    ("HDFSCheckpoints, in the same file", HDFSCheckpoints, HDFSCheckpoints),
    ("SessionState, in the same file", SessionState, SessionState),
    ("KeptPackages, in the same file", KeptPackages, KeptPackages),
]  # fmt: skip


def reference() -> str:
    """Return the page."""
    sections = [
        f"\n## {title}\n" + "".join(_options(owner, declares))
        for title, owner, declares in SECTIONS
    ]
    return HEAD + "".join([*sections, *_other_defaults(), *_launch_spec()])


def _options(owner: type[Configurable], declares: type[Configurable]) -> Iterator[str]:
    for name, trait in sorted(_declared(declares).items()):
        yield f"\n### c.{owner.__name__}.{name}\n\n"
        yield f"*{trait.info()}*, default `{_default(name, trait)}`\n\n"
        yield inspect.cleandoc(str(trait.help)) + "\n"


def _declared(owner: type[Configurable]) -> dict[str, TraitType[Any, Any]]:
    """Return the options that a class and its bases in the same package declare."""
    package = owner.__module__.partition(".")[0]
    bases = [base for base in owner.mro() if base.__module__.partition(".")[0] == package]
    return {
        name: trait
        for base in reversed(bases)
        if issubclass(base, Configurable)
        for name, trait in base.class_own_traits(config=True).items()
    }


def _default(name: str, trait: TraitType[Any, Any]) -> str:
    value = trait.default()
    if name.endswith("_mode") and isinstance(value, int):  # of a file
        return f"0o{value:o}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(repr(item) for item in sorted(value)) + "}"
    return repr(value)


def _other_defaults() -> Iterator[str]:
    """Yield JupyterHub's own options where ours have another default."""
    ours, theirs = YarnSpawner(), Spawner
    yield "\n## Where the defaults of JupyterHub's own options differ\n\n"
    yield "| option | default |\n|---|---|\n"
    for name in sorted(theirs.class_traits(config=True)):
        generator = f"_default_{name}"
        if hasattr(YarnSpawnerSettings, generator):
            yield f"| c.YarnSpawner.{name} | `{getattr(ours, name)!r}` |\n"


def _launch_spec() -> Iterator[str]:
    yield "\n## LaunchSpec, for c.YarnSpawner.modify_spec_hook\n\n"
    yield inspect.cleandoc(str(LaunchSpec.__doc__)) + "\n"


if __name__ == "__main__":
    PAGE.write_text(reference())
