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

#: Options of a requirements.txt that mean the same in any directory.
_OPTIONS = re.compile(
    r"(-i|--(extra-)?index-url|--no-index|--pre|--prefer-binary|--(only|no)-binary|--trusted-host)"
    r"([\s=].*)?"
)
_COMMENT = re.compile(r"(^|\s)#.*")


def recorded(text: str) -> tuple[str, ...]:
    """Return the lines of a requirements.txt, without comments and credentials.

    They are none if one of them refers to another file, has a relative path or a hash.
    """
    lines = [_COMMENT.sub("", line).strip() for line in re.sub(r"\\\r?\n", " ", text).splitlines()]
    lines = [line for line in lines if line]
    if not all(map(_stands_by_itself, lines)):
        return ()
    return tuple(without_credentials(line.encode()).decode() for line in lines)


def _stands_by_itself(line: str) -> bool:
    if line.startswith("-"):
        return _OPTIONS.fullmatch(line) is not None
    target = re.split(r"[\[;]", line)[0].strip()
    is_path = "/" in target or target.endswith((".whl", ".tar.gz", ".zip"))
    return "--hash" not in line and ("://" in line or line.startswith("/") or not is_path)


def missing_files(requirements: Iterable[str]) -> Iterator[str]:
    """Yield the files that requirements name and that do not exist on this machine."""
    for line in requirements:
        address = re.split(r"\s;|\s#|(?<=\S)\[", line.partition(" @ ")[2] or line)[0].strip()
        path = unquote(urlsplit(address).path) if address.startswith("file:") else address
        if path.startswith("/") and not Path(path).exists():
            yield path


def pins(packages: Iterable[Package]) -> tuple[str, ...]:
    """Return constraints that keep the versions of packages."""
    return tuple(f"{package.name}=={package.version}" for package in packages)
