"""Plans an archive: reads the environment once to find its content and its key.

- The key depends on the shipped content alone: names, modes, links, relocated bytes, and the
  version of the archive's format. It does not depend on times, owners, or the bytecode in the
  prefix. The same content has the same key, whatever its path.
- Nothing is written. Each thread holds one file in memory, of at most LARGE_BYTES.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import posixpath
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from env_packaging.build.bytecode import bytecode_members
from env_packaging.build.elf import MAGIC, Buffer, read_dynamic
from env_packaging.build.libraries import libraries_of_base, searched_directories
from env_packaging.build.members import Listing, Member, MemberKind
from env_packaging.build.prefix import Prefix
from env_packaging.build.progress import Progress
from env_packaging.build.relocate import (
    FileFormat,
    PrefixPaths,
    relative_search_path,
    relocate,
    remaining_prefix,
)
from env_packaging.build.scan import PrefixScan
from env_packaging.errors import PrefixError

#: Larger files are data or libraries. They are read in chunks and packed unchanged.
LARGE_BYTES = 32 << 20

CHUNK_BYTES = 1 << 20

#: Increase it with each change of this package that gives the same content another archive.
_ARCHIVE_FORMAT = 1

#: Hexadecimal digits of a key.
KEY_LENGTH = 20

#: Files that a thread reads before it returns them: returning each one would take longer than
#: reading it.
_BATCH = 128


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Size and modification time of a file, which must not change between planning and packing."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, file: FileIO) -> FileStamp:
        status = os.fstat(file.fileno())
        return cls(status.st_size, status.st_mtime_ns)


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


@dataclass(frozen=True)
class Plan:
    """The content of an archive: inspected files, links, and Python files to compile."""

    prefix: Prefix
    prefix_paths: PrefixPaths
    listing: Listing
    files: tuple[Inspected, ...]
    links: tuple[Member, ...]
    bytecode: tuple[Member, ...]
    key: str

    @property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def members(self) -> list[Member]:
        return [*(file.member for file in self.files), *self.links, *self.bytecode]


def make_plan(scan: PrefixScan, progress: Progress) -> Plan:
    """Read the files of a scan. Raises PrefixError if one cannot be read."""
    prefix = scan.prefix
    prefix_paths = PrefixPaths(prefix.embedded_paths, prefix.interpreter.program)
    links = tuple(member for member in scan.members if member.kind is MemberKind.LINK)
    sources = [member for member in scan.members if member.kind is MemberKind.FILE]
    files = list(_inspect_all(sources, prefix_paths, progress))
    packed = {posixpath.basename(member.name) for member in scan.members}
    # Repeatedly: a library may need another one.
    lib64 = any(link.name == "lib64" for link in links)
    while libraries := libraries_of_base(prefix, files, packed, lib64_is_link=lib64):
        files += [inspect(library, prefix_paths) for library in libraries]
        packed |= {posixpath.basename(library.name) for library in libraries}
    files.sort(key=lambda file: file.member.name)
    return Plan(
        prefix,
        prefix_paths,
        scan.listing,
        tuple(files),
        links,
        tuple(bytecode_members(sources, prefix.interpreter)),
        content_key(files, links, prefix.interpreter.cache_tag),
    )


def content_key(files: Iterable[Inspected], links: Iterable[Member], cache_tag: str) -> str:
    """Return the key of a content: the first digits of a SHA-256 over a canonical list of it."""
    sha256 = hashlib.sha256(f"{_ARCHIVE_FORMAT} {cache_tag}\n".encode())
    lines = [(f.member.name, f"file {f.member.mode:o} {f.sha256}") for f in files]
    lines += [(link.name, f"link {link.target}") for link in links]
    for name, line in sorted(lines):
        # NUL ends a name: it is the one character that no name can contain.
        sha256.update(os.fsencode(f"{name}\0{line}\0"))
    return sha256.hexdigest()[:KEY_LENGTH]


def _inspect_all(
    members: list[Member], prefix_paths: PrefixPaths, progress: Progress
) -> Iterator[Inspected]:
    def inspect_batch(batch: list[Member]) -> list[Inspected]:
        return [inspect(member, prefix_paths) for member in batch]

    progress.begin("Reading", len(members), 0)
    batches = [members[start : start + _BATCH] for start in range(0, len(members), _BATCH)]
    with ThreadPoolExecutor(min(4, len(os.sched_getaffinity(0)))) as pool:
        for files in pool.map(inspect_batch, batches):
            progress.advance(len(files), sum(file.size for file in files))
            yield from files


def inspect(member: Member, prefix_paths: PrefixPaths) -> Inspected:
    """Read and relocate one file. Raises PrefixError if it cannot be read."""
    try:
        with open_unbuffered(member.source) as file:
            stamp = FileStamp.of(file)
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
