"""Reads an environment once, and decides what its archive will hold and what its key is.

- The key depends on the shipped content alone: names, modes, links and settled bytes, and the
  version of the rules by which they were chosen. Not on times, owners, or the bytecode that happens
  to be in the prefix. The same content has the same key, from wherever it is packed.
- Nothing is written. Files are held in memory one per thread, and only up to LARGE_BYTES.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from env_packaging.build.bytecode import bytecode_members
from env_packaging.build.elf import MAGIC, Buffer, read_dynamic
from env_packaging.build.members import Listing, Member, MemberKind
from env_packaging.build.prefix import Prefix
from env_packaging.build.progress import Progress
from env_packaging.build.relocate import (
    PrefixPaths,
    Residue,
    relative_search_path,
    relocate,
    remaining_prefix,
)
from env_packaging.build.scan import RULES_VERSION, PrefixScan
from env_packaging.errors import PrefixError

#: Larger files are data or libraries, read in pieces and packed as they are.
LARGE_BYTES = 32 << 20

CHUNK_BYTES = 1 << 20

KEY_DIGITS = 20

#: Files that a thread reads before it hands them over: to hand over each would cost more time than
#: to read it.
_BATCH = 128


@dataclass(frozen=True, slots=True)
class State:
    """What a file must still have when it is packed after it was read."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, file: FileIO) -> State:
        found = os.fstat(file.fileno())
        return cls(found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was found in one member. `size` is the shipped one in bytes; `rewritten` says that
    settling changed it; `needed` are the libraries an ELF file asks for; `unsettled` the folders of
    this machine in which it would still look for them; `glibc` the version that it needs."""

    member: Member
    size: int
    state: State
    digest: str
    rewritten: bool = False
    remaining_prefix: Residue | None = None
    needed: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    glibc: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What will be packed: files with what was found in them, links, and Python files that will be
    compiled; sizes in bytes."""

    prefix: Prefix
    place: PrefixPaths
    listing: Listing
    files: tuple[Inspected, ...]
    links: tuple[Member, ...]
    bytecode: tuple[Member, ...]
    key: str

    @property
    def size_bytes(self) -> int:
        return sum(each.size for each in self.files)

    @property
    def members(self) -> list[Member]:
        return [*(each.member for each in self.files), *self.links, *self.bytecode]


def make_plan(survey: PrefixScan, progress: Progress) -> Plan:
    """Read what was surveyed. Raises PrefixError for what can't be read."""
    prefix = survey.prefix
    place = PrefixPaths(prefix.embedded_paths, prefix.interpreter.program)
    links = tuple(each for each in survey.members if each.kind is MemberKind.LINK)
    sources = [each for each in survey.members if each.kind is MemberKind.FILE]
    files = tuple(_inspect_all(sources, place, progress))
    return Plan(
        prefix,
        place,
        survey.listing,
        files,
        links,
        tuple(bytecode_members(sources, prefix.interpreter)),
        content_key(files, links, prefix.interpreter.cache_tag),
    )


def content_key(files: tuple[Inspected, ...], links: tuple[Member, ...], cache_tag: str) -> str:
    """Name exactly this content, by hexadecimal digits of a SHA-256 over a canonical list."""
    digest = hashlib.sha256(f"{RULES_VERSION} {cache_tag}\n".encode())
    lines = [(f.member.name, f"file {f.member.mode:o} {f.digest}") for f in files]
    lines += [(link.name, f"link {link.target}") for link in links]
    for name, what in sorted(lines):
        # NUL ends a name: it is the one character that none can have.
        digest.update(os.fsencode(f"{name}\0{what}\0"))
    return digest.hexdigest()[:KEY_DIGITS]


def _inspect_all(
    members: list[Member], place: PrefixPaths, progress: Progress
) -> Iterator[Inspected]:
    progress.begin("Reading", len(members), 0)
    batches = [members[start : start + _BATCH] for start in range(0, len(members), _BATCH)]
    with ThreadPoolExecutor(min(4, len(os.sched_getaffinity(0)))) as pool:
        for batch in pool.map(lambda each: [inspect(member, place) for member in each], batches):
            progress.advance(len(batch), sum(each.size for each in batch))
            yield from batch


def inspect(member: Member, place: PrefixPaths) -> Inspected:
    """Read and settle one file. Raises PrefixError if it can't be read."""
    try:
        with open_unbuffered(member.source) as file:
            state = State.of(file)
            if state.size > LARGE_BYTES:
                return _inspect_large(member, state, file, place)
            data = file.readall()
    except OSError as error:
        raise PrefixError(f"{member.source} can't be read: {error.strerror}.") from error
    settled = relocate(member.name, data, place)
    linked = _linked(member.name, settled, place)
    return Inspected(
        member,
        len(settled),
        state,
        hashlib.sha256(settled).hexdigest(),
        settled != data,
        remaining_prefix(settled, place),
        *linked,
    )


def open_unbuffered(path: Path) -> FileIO:
    """Open a file that is read whole or in large pieces: for tens of thousands of small ones, a
    buffer for each takes as long as their content."""
    return path.open("rb", buffering=0)


def _inspect_large(member: Member, state: State, file: FileIO, place: PrefixPaths) -> Inspected:
    digest = hashlib.sha256()
    while piece := file.read(CHUNK_BYTES):
        digest.update(piece)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        linked = _linked(member.name, content, place)
    return Inspected(member, state.size, state, digest.hexdigest(), False, None, *linked)


def _linked(
    name: str, data: Buffer, place: PrefixPaths
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    """Return the last three fields of what was found in a file."""
    dynamic = read_dynamic(data) if data[:4] == MAGIC else None
    if dynamic is None:
        return (), (), ()
    unsettled = tuple(
        path.text
        for path in dynamic.search_paths
        if relative_search_path(name, path.text, place) != path.text
    )
    return dynamic.needed, unsettled, dynamic.glibc
