"""Presets of files that an environment can do without: nodes unpack fewer files faster.

Nothing is pruned by default, because a package may read its own tests or headers at run time. The
manifest records what each preset saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from env_packaging.build.members import PACKAGE_DIRECTORY

_PACKAGES = rf"lib/python3[0-9.]*/{PACKAGE_DIRECTORY}/"


class Preset(str, Enum):
    """A kind of files that can be left out."""

    TESTS = "tests"
    DOCS = "docs"
    BUILD = "build"
    TYPES = "types"
    MAPS = "maps"


_RULES = {
    Preset.TESTS: (
        "packages' own tests",
        re.compile(_PACKAGES + r"(.*/)?tests?/", re.DOTALL),
    ),
    Preset.DOCS: (
        "manuals and documents",
        re.compile(r"(share/)?(man|info|doc|docs|gtk-doc)/", re.DOTALL),
    ),
    Preset.BUILD: (
        "files that only compilers read",
        re.compile(
            r"include/|lib/(pkgconfig|cmake)/|share/(pkgconfig|cmake|aclocal)/"
            r"|.*\.(a|h|hpp|hxx|cuh|pxd|pyx|pxi)$",
            re.DOTALL,
        ),
    ),
    Preset.TYPES: ("type stubs", re.compile(r".*\.pyi$", re.DOTALL)),
    Preset.MAPS: ("source maps of web pages", re.compile(r".*\.(js|css|mjs)\.map$", re.DOTALL)),
}


def reason_to_prune(name: str, presets: Iterable[Preset]) -> str | None:
    """Return the reason for leaving a member out, None if no preset matches."""
    for preset in presets:
        reason, pattern = _RULES[preset]
        if pattern.match(name):
            return f"{reason} (--prune {preset.value})"
    return None
