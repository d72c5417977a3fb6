"""Finds the shared libraries that an environment's files load: in the archive, or in its base.

A venv gets the standard library of its base. Modules of a Python that was built with libraries of
its own, such as OpenSSL or SQLite, look for them in the `lib` of that Python.
"""

from __future__ import annotations

import mmap
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from env_packaging.build.elf import Dynamic, read_dynamic
from env_packaging.build.members import Member, member_for
from env_packaging.build.prefix import SYSTEM_PREFIXES, Prefix, PrefixKind

#: Libraries of glibc and of GCC's run time, which every Linux with Hadoop has: those that manylinux
#: wheels may use (PEP 513), without X11.
_SYSTEM_LIBRARIES = re.compile(
    r"(ld-linux.*|libc|libm|libdl|libpthread|librt|libutil|libresolv|libnsl|libcrypt|libgcc_s"
    r"|libstdc\+\+)\.so\.[0-9.]+"
)

_SYSTEM = ("/lib", "/usr")

_ORIGIN = re.compile(r"\$(ORIGIN|\{ORIGIN\})")


class Linked(Protocol):
    """A file with the libraries that it loads, and the directories of the archive it searches."""

    @property
    def member(self) -> Member: ...
    @property
    def needed(self) -> tuple[str, ...]: ...
    @property
    def searched(self) -> tuple[str, ...]: ...


def searched_directories(name: str, dynamic: Dynamic) -> Iterator[str]:
    """Yield the directories of the archive in which a relocated member looks for libraries."""
    for path in dynamic.search_paths:
        for directory in filter(_ORIGIN.match, path.text.split(":")):
            origin = _ORIGIN.sub(lambda _: posixpath.dirname(name), directory, count=1)
            inner = posixpath.normpath(origin.lstrip("/"))
            if inner != ".." and not inner.startswith("../"):
                yield inner


def outside_libraries(files: Iterable[Linked], packed: Collection[str]) -> dict[str, list[Linked]]:
    """Return the libraries that are neither packed nor part of each Linux, with their users.

    `packed` are the names of the archive's files without their directories.
    """
    users: dict[str, list[Linked]] = {}
    for file in files:
        for library in file.needed:
            if library not in packed and not _SYSTEM_LIBRARIES.fullmatch(library):
                users.setdefault(library, []).append(file)
    return users


def libraries_elsewhere(users: Mapping[str, Iterable[Linked]]) -> dict[str, str]:
    """Return those of the libraries that a user's search path leads to, with their directories.

    The directories are of this machine, and neither part of the environment nor of the system.
    """
    found: dict[str, str] = {}
    for library, files in users.items():
        for file in files:
            for directory in _directories_elsewhere(file.member.source):
                if Path(directory, library).is_file():
                    found.setdefault(library, directory)
    return found


def _directories_elsewhere(source: Path) -> list[str]:
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        dynamic = read_dynamic(data)
    paths = (
        [path for part in dynamic.search_paths for path in part.text.split(":")] if dynamic else []
    )
    return [path for path in paths if path.startswith("/") and not path.startswith(_SYSTEM)]


def libraries_of_base(
    prefix: Prefix, files: Iterable[Linked], packed: Collection[str], *, lib64_is_link: bool
) -> list[Member]:
    """Return the libraries in the base of a venv that files look for and the archive lacks."""
    base = prefix.base
    if base is None or not has_own_libraries(base):
        return []
    files = list(files)
    program = f"bin/{prefix.interpreter.program}"
    # A library that its user does not find is looked for in the interpreter's directories.
    inherited = [path for file in files if file.member.name == program for path in file.searched]
    return [
        member_for(
            f"{_out_of_lib64(directory) if lib64_is_link else directory}/{library}",
            Path(os.path.realpath(source)),
            (),
        )
        for library, users in sorted(outside_libraries(files, packed).items())
        for directory in dict.fromkeys([*(d for user in users for d in user.searched), *inherited])
        if (source := base.path / directory / library).is_file()
    ]


def _out_of_lib64(directory: str) -> str:
    return re.sub("^lib64(?=/|$)", "lib", directory)


def has_own_libraries(base: Prefix) -> bool:
    """Return whether the base of a venv may have libraries that are not listed yet.

    All files of a conda environment are listed, and libraries of the system stay where they are.
    """
    return base.kind is not PrefixKind.CONDA and str(base.path) not in SYSTEM_PREFIXES
