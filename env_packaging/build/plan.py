"""Plans an archive: reads the environment once to find its content and its key.

- The key depends on the shipped content alone: names, modes, links, relocated bytes, and the
  version of the archive's format. It does not depend on times, owners, or the bytecode in the
  prefix. The same content has the same key, whatever its path.
- Nothing is written. Each thread holds one file in memory, of at most LARGE_BYTES.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from env_packaging.build.bytecode import bytecode_members
from env_packaging.build.cache import PackCache
from env_packaging.build.inspection import Inspected, inspect
from env_packaging.build.libraries import libraries_of_base
from env_packaging.build.members import Listing, Member, MemberKind
from env_packaging.build.prefix import Prefix
from env_packaging.build.progress import Progress
from env_packaging.build.relocate import PrefixPaths
from env_packaging.build.remembered import Remembered
from env_packaging.build.scan import PrefixScan

#: Increase it with each change of this package that gives the same content another archive.
ARCHIVE_FORMAT = 2

#: Hexadecimal digits of a key.
KEY_LENGTH = 20

#: Files that a thread reads before it returns them: returning each one would take longer than
#: reading it.
_BATCH = 128


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


def make_plan(scan: PrefixScan, progress: Progress, cache: PackCache | None = None) -> Plan:
    """Read the files of a scan, except those that the cache knows and that did not change.

    Raises PrefixError if one cannot be read.
    """
    prefix = scan.prefix
    prefix_paths = PrefixPaths(prefix.embedded_paths, prefix.interpreter.program)
    links = tuple(member for member in scan.members if member.kind is MemberKind.LINK)
    sources = [member for member in scan.members if member.kind is MemberKind.FILE]
    remembered = Remembered(prefix_paths, cache)

    def look_at(member: Member) -> Inspected:
        return remembered.find(member) or inspect(member, prefix_paths)

    files = list(_inspect_all(sources, look_at, progress))
    packed = {posixpath.basename(member.name) for member in scan.members}
    # Repeatedly: a library may need another one.
    lib64 = any(link.name == "lib64" for link in links)
    while libraries := libraries_of_base(prefix, files, packed, lib64_is_link=lib64):
        files += map(look_at, libraries)
        packed |= {posixpath.basename(library.name) for library in libraries}
    files.sort(key=lambda file: file.member.name)
    remembered.keep(files)
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
    sha256 = hashlib.sha256(f"{ARCHIVE_FORMAT} {cache_tag}\n".encode())
    lines = [(f.member.name, f"file {f.member.mode:o} {f.sha256}") for f in files]
    lines += [(link.name, f"link {link.target}") for link in links]
    for name, line in sorted(lines):
        # NUL ends a name: it is the one character that no name can contain.
        sha256.update(os.fsencode(f"{name}\0{line}\0"))
    return sha256.hexdigest()[:KEY_LENGTH]


def _inspect_all(
    members: list[Member], look_at: Callable[[Member], Inspected], progress: Progress
) -> Iterator[Inspected]:
    def inspect_batch(batch: list[Member]) -> list[Inspected]:
        return [look_at(member) for member in batch]

    progress.begin("Reading", len(members), 0)
    batches = [members[start : start + _BATCH] for start in range(0, len(members), _BATCH)]
    with ThreadPoolExecutor(min(4, len(os.sched_getaffinity(0)))) as pool:
        for files in pool.map(inspect_batch, batches):
            progress.advance(len(files), sum(file.size for file in files))
            yield from files
