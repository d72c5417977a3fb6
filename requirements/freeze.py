"""Writes the versions of what is installed for the extras.

.venv/bin/python requirements/freeze.py
.venv-extensions/bin/python requirements/freeze.py extensions

The first writes constraints.txt, for the extra `dev`. The second writes extensions.txt, with what
the extra `extensions` needs beyond that.

- Run it with Python 3.11, in a venv that scripts/test has made and in which its tests pass.
- A version that needs a later Python than 3.10 applies only there. On 3.10 pip chooses another one.
- There are no hashes: with one hash pip requires a hash for everything, and it can check none for
  this tree, which is a directory. Nor are the tools pinned that pip builds source packages with.
- setuptools is not pinned: a venv of Python 3.11 brings one that later Pythons cannot use.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
EXTENSIONS = Path(__file__).with_name("extensions.txt")
HEAD = "# Written by requirements/freeze.py, which explains it: see there.\n"
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def installed(name: str, extras: frozenset[str]) -> dict[str, Distribution]:
    """Return all distributions that `name` with these extras needs, by canonical name."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    pending = [(name, extra) for extra in ("", *extras)]
    while pending:
        package, extra = pending.pop()
        if (package, extra) in seen:
            continue
        seen.add((package, extra))
        try:
            found[package] = distribution(package)
        except PackageNotFoundError:
            sys.exit(f"{package} is not installed: run scripts/test unit.")
        for line in found[package].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                needed = canonicalize_name(requirement.name)
                pending += [(needed, wanted) for wanted in ("", *requirement.extras)]
    del found[name]
    return found


def constraint(package: str, version: str, requires_python: str) -> str:
    """Return the line of a package, with a marker if it needs a later Python than the oldest."""
    supported = SpecifierSet(requires_python)
    python, patch = next(
        (python, patch)
        for python, patch in product(PYTHONS, range(100))
        if f"{python}.{patch}" in supported
    )
    if patch:
        marker = f' ; python_full_version >= "{python}.{patch}"'
    else:
        marker = "" if python == PYTHONS[0] else f' ; python_version >= "{python}"'
    return f"{package}=={version}{marker}\n"


def constraints(extra: str) -> list[str]:
    """Return the lines of all packages that an extra needs."""
    packages = installed("yarnhub", frozenset({extra}))
    return [
        constraint(name, package.version, package.metadata.get("Requires-Python") or "")
        for name, package in sorted(packages.items())
        if name != "setuptools"
    ]


def main() -> None:
    """Write the file."""
    if sys.argv[1:] == ["extensions"]:
        known = CONSTRAINTS.read_text().splitlines(keepends=True)
        lines = [line for line in constraints("extensions") if line not in known]
        EXTENSIONS.write_text(HEAD + "".join(lines))
    else:
        CONSTRAINTS.write_text(HEAD + "".join(constraints("dev")))


if __name__ == "__main__":
    main()
