"""A second Python environment for the demo: ipykernel, copied from this one without network."""

from __future__ import annotations

import os
import shutil
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "ipykernel"


def make_kernel_environment(folder: Path) -> None:
    """Make a venv in which kernels start, but no notebook server."""
    venv.create(folder, with_pip=False, symlinks=True)
    here = Path(sysconfig.get_path("purelib"))
    there = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for name in required_by(PACKAGE):
        for file in distribution(name).files or ():
            source = Path(os.path.normpath(here / file))
            if source.is_file() and source.is_relative_to(here):
                target = there / source.relative_to(here)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)


def required_by(package: str) -> set[str]:
    """Return a package and all that it requires here. Alternatives that are not installed are left
    out."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            needed = map(Requirement, distribution(name).requires or [])
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [r.name for r in needed if not r.marker or r.marker.evaluate({"extra": ""})]
    return found
