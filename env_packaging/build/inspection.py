"""Reads a file of an environment once, to find what an archive and a plan need to know of it."""

from __future__ import annotations

import hashlib
import mmap
import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from env_packaging.build.elf import MAGIC, Buffer, read_dynamic
from env_packaging.build.libraries import searched_directories
from env_packaging.build.members import Member
from env_packaging.build.relocate import (
    FileFormat,
    PrefixPaths,
    relative_search_path,
    relocate,
    remaining_prefix,
)
from env_packaging.errors import PrefixError

#: Larger files are data or libraries. They are read in chunks and packed unchanged.
LARGE_BYTES = 32 << 20

CHUNK_BYTES = 1 << 20


class FileStamp(NamedTuple):
    """The status of a file. A file with an equal stamp has the same content."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, file: int | str | os.PathLike[str]) -> FileStamp:
        """Return the stamp of an open file, or of the file that a path leads to."""
        status = os.stat(file)  # noqa: PTH116 - a Path for each file takes longer than the call
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )

    def has_content_of(self, other: FileStamp) -> bool:
        """Return whether nothing was written to the file since another stamp of it.

        Installers that share files between environments make hard links, which set a file's change
        time.
        """
        return (self.size, self.modified_ns) == (other.size, other.modified_ns)


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that was read.

    `size` (bytes) and `sha256` are those of the relocated content; `rewritten` is whether it
    differs from the source. For an ELF file, `needed` are the libraries that it loads, `searched`
    the directories of the archive in which it looks for them, `unrelocated` the search paths that
    still contain the prefix, and `glibc` the version that it needs.
    """

    member: Member
    size: int
    stamp: FileStamp
    sha256: str
    rewritten: bool = False
    remaining_prefix: FileFormat | None = None
    needed: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    unrelocated: tuple[str, ...] = ()
    glibc: tuple[int, ...] = ()


def inspect(member: Member, prefix_paths: PrefixPaths) -> Inspected:
    """Read and relocate one file. Raises PrefixError if it cannot be read."""
    try:
        with open_unbuffered(member.source) as file:
            stamp = FileStamp.of(file.fileno())
            if stamp.size > LARGE_BYTES:
                return _inspect_large(member, stamp, file, prefix_paths)
            data = file.readall()
    except OSError as error:
        raise PrefixError(f"{member.source} cannot be read: {error.strerror}.") from error
    relocated = relocate(member.name, data, prefix_paths)
    linkage = _linkage(member.name, relocated, prefix_paths)
    return Inspected(
        member,
        len(relocated),
        stamp,
        hashlib.sha256(relocated).hexdigest(),
        relocated != data,
        remaining_prefix(relocated, prefix_paths),
        *linkage,
    )


def open_unbuffered(path: Path) -> FileIO:
    """Open a file that is read whole or in large chunks.

    For tens of thousands of small files, a buffer for each takes as long as reading them.
    """
    return path.open("rb", buffering=0)


def _inspect_large(
    member: Member, stamp: FileStamp, file: FileIO, prefix_paths: PrefixPaths
) -> Inspected:
    sha256 = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        sha256.update(chunk)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        linkage = _linkage(member.name, content, prefix_paths)
    return Inspected(member, stamp.size, stamp, sha256.hexdigest(), False, None, *linkage)


def _linkage(
    name: str, data: Buffer, prefix_paths: PrefixPaths
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    """Return `needed`, `searched`, `unrelocated` and `glibc` of a file."""
    dynamic = read_dynamic(data) if data[:4] == MAGIC else None
    if dynamic is None:
        return (), (), (), ()
    unrelocated = tuple(
        path.text
        for path in dynamic.search_paths
        if relative_search_path(name, path.text, prefix_paths) != path.text
    )
    searched = tuple(searched_directories(name, dynamic))
    return dynamic.needed, searched, unrelocated, dynamic.glibc
