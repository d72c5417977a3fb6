"""The archive of the packages that a user has installed. Nothing here accesses HDFS.

- Modes and times are kept, so that compiled modules stay valid.
- A command in `bin` names the interpreter of this container. In the archive it names the one that
  is found in PATH.
- Unpacking never replaces a file, so it can be repeated, and what was installed meanwhile stays.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import sysconfig
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from hdfs_contents.session.archive import DamagedError

#: The directory in HDFS of a user's archives, one directory for each Python.
DIRECTORY = "{home}/.yarnhub/packages"

#: What pip changes with each package: the directories of modules and of commands. Last it writes
#: to the directory of the package's metadata.
_DIRECTORIES = (
    "lib/python3*/site-packages",
    "lib/python3*/site-packages/*.dist-info",
    "lib/python3*/site-packages/*.egg-info",
    "bin",
)

#: How pip begins a command: with the path of its interpreter or, if that is too long, with a line
#: for the shell.
_COMMAND = re.compile(rb"\A#!(?:/[^\r\n]*/python[\d.]*|/bin/sh\n'''exec' [^\r\n]*\n' ''')\r?\n")
_PORTABLE = f"#!/usr/bin/env python{sys.version_info[0]}.{sys.version_info[1]}\n".encode()

_METADATA = (".dist-info", ".egg-info")

#: The times at which directories changed, in nanoseconds since 1970, with their paths.
Changes = tuple[tuple[str, int], ...]


class TooLargeError(Exception):
    """The packages are too large to be kept. The text is a sentence."""


def python_tag() -> str:
    """Return the version, ABI and platform of this Python. A package can be imported only by a
    Python with the same tag."""
    return str(sysconfig.get_config_var("SOABI") or f"{sys.implementation.cache_tag}-{os.name}")


def site_packages(base: Path) -> Path:
    """Return the directory in which pip and Python look for a user's packages below `base`."""
    return Path(sysconfig.get_path("purelib", "posix_user", {"userbase": str(base)}))


def changes(base: Path) -> Changes:
    """Return what differs after a package was installed, upgraded or removed. Raises OSError."""
    times = []
    for pattern in _DIRECTORIES:
        for path in sorted(base.glob(pattern)):
            with suppress(FileNotFoundError):  # removed meanwhile
                times.append((str(path), path.stat().st_mtime_ns))
    return tuple(times)


def pack(base: Path, limit: int, target: IO[bytes]) -> tuple[str, ...]:
    """Write the archive of all packages; return the names of the links that were left out, because
    `unpack` refuses them. Raises TooLargeError if the packages or their archive have more than
    `limit` bytes."""
    left_out = []
    _refuse_larger(
        sum(path.lstat().st_size for path in base.rglob("*") if not path.is_dir()), limit
    )
    size = 0
    with (
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=target, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(base.rglob("*")):
            name = path.relative_to(base).as_posix()
            if path.is_symlink() and not _leads_below(base, path):
                left_out.append(name)
            elif path.is_symlink() or path.is_file() or path.is_dir():
                size += _add(tar, path, name)
    # As the archive is read: it is a little larger than files that cannot be compressed.
    _refuse_larger(max(size, target.tell()), limit)
    return tuple(left_out)


def _refuse_larger(size: int, limit: int) -> None:
    if size > limit:
        raise TooLargeError(
            f"Your packages are not kept: they have {size / 1e6:,.0f} MB, and the limit is "
            f"{limit / 1e6:,.0f} MB. Uninstall some, or make an environment of your own."
        )


def _leads_below(base: Path, link: Path) -> bool:
    """Return whether a link leads to a path below `base` in any container."""
    target = Path(os.path.realpath(link))  # Path.resolve raises RuntimeError for a loop
    return not link.readlink().is_absolute() and target.is_relative_to(os.path.realpath(base))


def _add(tar: tarfile.TarFile, path: Path, name: str) -> int:
    """Add a file, link or directory, and return its size in the archive."""
    member = tar.gettarinfo(path, name)
    if member.islnk():  # of another file of the archive
        member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.stat().st_size
    if not member.isreg():
        tar.addfile(member)
    elif name.startswith("bin/"):
        command = _COMMAND.sub(_PORTABLE, path.read_bytes())
        member.size = len(command)
        tar.addfile(member, io.BytesIO(command))
    else:
        with path.open("rb") as file:
            tar.addfile(member, file)
    return member.size


class Unpacked(NamedTuple):
    """The directories of an archive, and the links in it that were skipped, because they are
    absolute or lead to another directory."""

    directories: frozenset[str]
    skipped: tuple[str, ...]


def unpack(source: IO[bytes], base: Path, limit: int) -> Unpacked:
    """Write those files of an archive that do not exist below `base`.

    Raises DamagedError, and leaves none of its files, if it is not an archive of at most `limit`
    bytes. Raises OSError if a file cannot be written.
    """
    created: list[Path] = []
    try:
        return _unpack(source, base, limit, created)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        _remove(created)
        raise DamagedError(f"it is not an archive of packages ({error})") from error
    except DamagedError:
        _remove(created)
        raise


def _unpack(source: IO[bytes], base: Path, limit: int, created: list[Path]) -> Unpacked:
    size, directories, skipped = 0, set(), []
    with tarfile.open(fileobj=source, mode="r|gz") as tar:
        for member in tar:
            path = base / member.name
            size += member.size
            if size > limit:
                raise DamagedError(f"it contains more than {limit:,} bytes")
            if member.isdir():
                directories.add(str(path))
            if not os.path.lexists(path):
                created.append(path)
            elif not member.isdir():
                continue
            try:
                _extract(tar, member, base)
            except (tarfile.AbsoluteLinkError, tarfile.LinkOutsideDestinationError):
                skipped.append(member.name)
    return Unpacked(frozenset(directories), tuple(skipped))


def _remove(created: Sequence[Path]) -> None:
    for path in reversed(created):
        with suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, base: Path) -> None:
    try:
        tar.extract(member, base, filter="data")
    except OSError:  # a part of a file would count as the file when this is repeated
        if not member.isdir():
            with suppress(OSError):
                (base / member.name).unlink()
        raise


def packages_of(source: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Yield name and version of each package in an archive. Raises DamagedError."""
    try:
        with tarfile.open(fileobj=source, mode="r|gz") as tar:
            for member in tar:
                directory, _, last = member.name.rpartition("/")
                if last in ("METADATA", "PKG-INFO") and directory.endswith(_METADATA):
                    name, _, version = Path(directory).stem.partition("-")
                    yield name, version
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedError(f"it is not an archive of packages ({error})") from error
