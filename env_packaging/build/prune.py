"""Presets for what an environment can do without: fewer files, which nodes unpack sooner.

Nothing is pruned unless it is asked for: a package may read its own tests or headers at run time.
What each has saved is in the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

_PACKAGES = r"lib/python3[0-9.]*/(site|dist)-packages/"


class Preset(str, Enum):
    """What can be left out."""

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
        "what only compilers read",
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
    """Return why a member is left out, None if it isn't."""
    for preset in presets:
        reason, pattern = _RULES[preset]
        if pattern.match(name):
            return f"{reason} (--prune {preset.value})"
    return None
