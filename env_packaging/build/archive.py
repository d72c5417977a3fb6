"""Writes a plan as a tar.gz stream.

- The same plan gives the same bytes: members sorted by name, one fixed time, owner 0, two modes,
  and no name or time in the gzip header.
- Memory is constant: a member at a time, or a piece of it, and what the compressing threads hold.
- Each member is checked to be as it was when it was read for the plan, before it is read again and
  afterwards; a file that has changed meanwhile ends the packing.
- Tar in GNU's form: long names and names that are no UTF-8 are unpacked byte by byte the same,
  whatever the locale of the NodeManager that unpacks them.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from env_packaging.build.bytecode import BytecodeCompiler
from env_packaging.build.members import EXECUTABLE_MODE, Member, MemberKind, parents
from env_packaging.build.plan import CHUNK_BYTES, Inspected, Plan, State, open_unbuffered
from env_packaging.build.progress import Progress
from env_packaging.build.relocate import PrefixPaths, relocate
from env_packaging.errors import PrefixError

#: 2000-01-01 in UTC. Not 1970, which some tools take for "no time", and not before 1980, which zip
#: can't say.
FIXED_TIME = 946_684_800

#: What fits into one block of tar: bytes of a name, and a size in eleven octal digits.
_NAME_BYTES, _LARGEST_IN_A_BLOCK = 100, 8**11

_ZLIB_LEVEL = 4
_ISAL_LEVEL = 2
_COMPRESSING_THREADS = 2


class ByteSink(Protocol):
    """Where an archive goes."""

    def write(self, data: bytes) -> int: ...


@dataclass(frozen=True)
class Written:
    """An archive that was written: of the archive its SHA-256 and size, of what it holds the number
    of files and links and their bytes."""

    sha256: str
    archive_bytes: int
    files: int
    unpacked_bytes: int


class _Digesting:
    """Hashes and counts on the way to a sink, which gets large pieces.

    A stream writes its header when it is made. As that is held back, no stream fails half made,
    which would leave it to the garbage collector to end.
    """

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self._held = bytearray()
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._held += data
        if len(self._held) >= CHUNK_BYTES:
            self.pass_on()
        return len(data)

    def pass_on(self) -> None:
        data = bytes(self._held)
        self._held.clear()
        self.digest.update(data)
        self.size += len(data)
        self._sink.write(data)

    def flush(self) -> None:
        """Do nothing: the stream's threads call this, and what is held is passed on after that."""


def write_archive(plan: Plan, sink: ByteSink, progress: Progress) -> Written:
    """Write the archive into a sink, which it neither flushes nor closes.

    Raises PrefixError if the environment changed since the plan was made, and whatever the sink
    raises.
    """
    digesting = _Digesting(sink)
    progress.begin("Packing", len(plan.members), plan.size_bytes)
    with compressing(digesting) as stream, BytecodeCompiler(plan.prefix.interpreter) as compiler:
        writer = _TarWriter(stream, plan.place)
        compiled = compiler.compile_all(sorted(plan.bytecode, key=lambda each: each.name))
        for entry in _in_order(plan):
            size = 0
            if isinstance(entry, Inspected):
                writer.add_file(entry)
                size = entry.size
            elif entry.kind is MemberKind.BYTECODE:
                writer.add_bytecode(entry, next(compiled))
            else:
                writer.add_link(entry)
            progress.advance(1, size)
        writer.end()
    digesting.pass_on()
    return Written(
        digesting.digest.hexdigest(), digesting.size, writer.files, writer.unpacked_bytes
    )


def _in_order(plan: Plan) -> Iterable[Inspected | Member]:
    entries: dict[str, Inspected | Member] = {each.member.name: each for each in plan.files}
    entries.update((each.name, each) for each in (*plan.links, *plan.bytecode))
    return (entries[name] for name in sorted(entries))


@contextmanager
def compressing(sink: _Digesting) -> Iterator[BinaryIO]:
    """Open a gzip stream: Intel's ISA-L in threads where it is installed, zlib else.

    After an exception the stream is ended as well, so that no thread stays behind.
    """
    target = cast(BinaryIO, sink)
    try:
        from isal import igzip_threaded
    except ImportError:
        with gzip.GzipFile("", "wb", _ZLIB_LEVEL, target, mtime=0) as stream:
            yield cast(BinaryIO, stream)
    else:
        open_stream: Callable[..., AbstractContextManager[BinaryIO]] = igzip_threaded.open
        with open_stream(target, "wb", _ISAL_LEVEL, threads=_COMPRESSING_THREADS) as stream:
            yield stream


class _TarWriter:
    """Members as a tar stream, folders before what is in them."""

    def __init__(self, stream: BinaryIO, place: PrefixPaths) -> None:
        self._stream = stream
        self._place = place
        self._folders: set[str] = set()
        self.files = 0
        self.unpacked_bytes = 0

    def add_file(self, file: Inspected) -> None:
        self._add_header(file.member, file.size)
        left = file.size
        for piece in _content(file, self._place):
            left -= len(piece)
            if left < 0:
                break
            self._stream.write(piece)
        if left:
            raise _changed(file.member)
        self._pad(file.size)

    def add_bytecode(self, member: Member, data: memoryview) -> None:
        if data:  # else a file that no Python compiles, such as a template
            self._add_header(member, len(data))
            self._stream.write(data)
            self._pad(len(data))

    def add_link(self, member: Member) -> None:
        self._add_header(member, 0)

    def end(self) -> None:
        """Write two empty blocks, as tar ends."""
        self._stream.write(bytes(2 * tarfile.BLOCKSIZE))

    def _add_header(self, member: Member, size: int) -> None:
        if member.name.rpartition("/")[0] not in self._folders:
            for folder in reversed(list(parents(member.name))):
                if folder not in self._folders:
                    self._folders.add(folder)
                    self._write_info(folder + "/", tarfile.DIRTYPE, EXECUTABLE_MODE)
        kind = tarfile.SYMTYPE if member.kind is MemberKind.LINK else tarfile.REGTYPE
        target = member.target if member.kind is MemberKind.LINK else ""
        self._write_info(member.name, kind, member.mode, size, target)
        self.files += 1
        self.unpacked_bytes += size

    def _write_info(
        self, name: str, kind: bytes, mode: int, size: int = 0, target: str = ""
    ) -> None:
        self._stream.write(header(name, kind, mode, size, target))

    def _pad(self, size: int) -> None:
        self._stream.write(bytes(-size % tarfile.BLOCKSIZE))


def header(name: str, kind: bytes, mode: int, size: int, target: str) -> bytes:
    """Return a member's header in GNU's form, as tarfile makes it, in a fraction of the time; a
    size that does not fit into its field is left to tarfile."""
    raw, link = (each.encode("utf-8", "surrogateescape") for each in (name, target))
    if size >= _LARGEST_IN_A_BLOCK:
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.linkname = kind, mode, size, target
        info.mtime = FIXED_TIME
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    return (
        _long_name(link, tarfile.GNUTYPE_LONGLINK)
        + _long_name(raw, tarfile.GNUTYPE_LONGNAME)
        + _block(raw[:_NAME_BYTES], kind, mode, size, FIXED_TIME, link[:_NAME_BYTES])
    )


def _long_name(name: bytes, kind: bytes) -> bytes:
    """Return what comes before the header of a member whose name, or target, is cut in it."""
    if len(name) <= _NAME_BYTES:
        return b""
    size = len(name) + 1
    padded = name.ljust(size + -size % tarfile.BLOCKSIZE, b"\0")
    return _block(b"././@LongLink", kind, 0, size, 0, b"") + padded


def _block(name: bytes, kind: bytes, mode: int, size: int, time: int, link: bytes) -> bytes:
    before = b"%b%07o\0%b%011o\0%011o\0" % (
        name.ljust(_NAME_BYTES, b"\0"),
        mode,
        b"0000000\0" * 2,  # owner and group
        size,
        time,
    )
    after = kind + link.ljust(_NAME_BYTES, b"\0") + tarfile.GNU_MAGIC
    # The sum is over the block with eight spaces in the sum's own place.
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return (before + b"%06o\0 " % checksum + after).ljust(tarfile.BLOCKSIZE, b"\0")


def _content(file: Inspected, place: PrefixPaths) -> Iterator[bytes]:
    """Yield a file's settled content, in pieces if it is shipped as it is."""
    try:
        with open_unbuffered(file.member.source) as source:
            if State.of(source) != file.state:
                raise _changed(file.member)
            if file.rewritten:
                yield relocate(file.member.name, source.readall(), place)
            elif file.size <= CHUNK_BYTES:
                yield source.readall()
            else:
                yield from iter(lambda: source.read(CHUNK_BYTES), b"")
            if State.of(source) != file.state:
                raise _changed(file.member)
    except OSError as error:
        raise _changed(file.member) from error


def _changed(member: Member) -> PrefixError:
    return PrefixError(
        f"{member.source} changed while it was packed: pack again when nothing writes to it."
    )
