"""The requirements that an environment was built from, as its manifest records them. Pure.

A record stands by itself: requirements that refer to other files, or to the directory in which they
were read, have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from env_packaging.build.credentials import without_credentials
from env_packaging.manifest import Package

#: An option of a requirements.txt that means the same in any directory. pip reads all options of a
#: line, so there must be one only, with at most one value.
_OPTION = re.compile(
    r"--no-index|--pre|--prefer-binary"
    r"|(-i\s+|--((extra-)?index-url|trusted-host|(only|no)-binary)(\s+|=))[^\s\"'=-][^\s\"']*"
)
#: Beginnings of the options that name a place of packages.
_SOURCES = ("-i", "--index-url", "--extra-index-url", "--trusted-host")

#: What a line must not have: another option, a variable, which pip replaces by its value, and a
#: backslash, which could continue the line.
_REFUSED = re.compile(r"\s-|\$\{|\\")

#: A package with or without versions.
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(\(?[<>=!~][^/@]*)?")

_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+")

#: pip takes a name with one of these suffixes for a file, if there is one.
_ARCHIVES = (".whl", ".zip", ".tar", ".tgz", ".tbz", ".txz", ".tlz", ".gz", ".bz2", ".xz", ".lz")
_COMMENT = re.compile(r"(^|\s)#.*")


def recorded(text: str) -> tuple[str, ...]:
    """Return the lines of a requirements.txt, without comments and credentials.

    They are none if one of them refers to another file or to a variable of the environment, or has
    a relative path or a hash.
    """
    lines = [_COMMENT.sub("", line).strip() for line in re.sub(r"\\\r?\n", " ", text).splitlines()]
    lines = [without_credentials(line.encode()).decode() for line in lines if line]
    return tuple(lines) if all(map(_stands_by_itself, lines)) else ()


def _stands_by_itself(line: str) -> bool:
    if _REFUSED.search(line):
        return False
    if line.startswith("-"):
        return _OPTION.fullmatch(line) is not None
    requirement = re.split(r"\s;|;\s", line)[0]
    if requirement.startswith("/") or (line[0].isalnum() and "://" in requirement):
        return True
    target = re.sub(r"\[[^]]*\]", "", requirement.partition(";")[0]).strip()
    return _PACKAGE.fullmatch(target) is not None and not target.endswith(_ARCHIVES)


def names_source(line: str) -> bool:
    """Return whether a recorded line names where packages come from: an index, a URL or a path."""
    return line.startswith(_SOURCES) or "/" in line or "@" in line


def missing_files(requirements: Iterable[str]) -> Iterator[str]:
    """Yield the files that requirements name and that do not exist on this machine."""
    for line in requirements:
        address = re.split(r"\s;|\s#|(?<=\S)\[", line.partition(" @ ")[2] or line)[0].strip()
        path = unquote(urlsplit(address).path) if address.startswith("file:") else address
        if path.startswith("/") and not Path(path).exists():
            yield path


def pins(packages: Iterable[Package]) -> tuple[str, ...]:
    """Return constraints that keep the versions of packages.

    Other text in a manifest would be an option or an address for pip, and is left out.
    """
    constraints = (f"{package.name}=={package.version}" for package in packages)
    return tuple(filter(_PIN.fullmatch, constraints))
