"""Writes a plan as a tar.gz stream.

- The same plan gives the same bytes: members are sorted by name, have one fixed time, owner 0 and
  one of two modes, and the gzip header has no name or time.
- Memory is constant: one member or a chunk of it, and the buffers of the compressing threads.
- Each file must be unchanged since it was read for the plan. This is checked before and after it is
  read again; a file that changed ends the packing.
- The format is GNU tar: long names and names that are not UTF-8 are unpacked byte for byte,
  whatever the NodeManager's locale.
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
from env_packaging.build.plan import CHUNK_BYTES, FileStamp, Inspected, Plan, open_unbuffered
from env_packaging.build.progress import Progress
from env_packaging.build.relocate import PrefixPaths, relocate
from env_packaging.errors import PrefixError

#: 2000-01-01 in UTC. Some tools take 1970 for "no time", and zip cannot represent a time before
#: 1980.
FIXED_TIME = 946_684_800

#: Limits of a tar header: bytes of a name, and a size in eleven octal digits.
_NAME_BYTES, _HEADER_MAX_SIZE = 100, 8**11

_ZLIB_LEVEL = 4
_ISAL_LEVEL = 2
_COMPRESSING_THREADS = 2


class ByteSink(Protocol):
    """The destination of an archive."""

    def write(self, data: bytes) -> int: ...


@dataclass(frozen=True)
class Written:
    """The properties of a written archive.

    `files` counts files and links; `unpacked_bytes` is their total size.
    """

    sha256: str
    archive_bytes: int
    files: int
    unpacked_bytes: int


class _HashingSink:
    """Hashes, counts and buffers the data for a sink, which gets large chunks.

    A gzip stream writes its header in its constructor. The buffer keeps a failing sink from raising
    there, which would leave the stream's threads to the garbage collector.
    """

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._buffer += data
        if len(self._buffer) >= CHUNK_BYTES:
            self.write_buffer()
        return len(data)

    def write_buffer(self) -> None:
        data = bytes(self._buffer)
        self._buffer.clear()
        self.sha256.update(data)
        self.size += len(data)
        self._sink.write(data)

    def flush(self) -> None:
        """Do nothing: the stream's threads call this, and `write_buffer` follows them."""


def write_archive(plan: Plan, sink: ByteSink, progress: Progress) -> Written:
    """Write the archive to a sink, which is neither flushed nor closed.

    Raises PrefixError if the environment changed since the plan was made, and the errors of the
    sink.
    """
    hashing = _HashingSink(sink)
    progress.begin("Packing", len(plan.members), plan.size_bytes)
    with compressing(hashing) as stream, BytecodeCompiler(plan.prefix.interpreter) as compiler:
        writer = _TarWriter(stream, plan.prefix_paths)
        compiled = compiler.compile_all(sorted(plan.bytecode, key=lambda member: member.name))
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
    hashing.write_buffer()
    return Written(hashing.sha256.hexdigest(), hashing.size, writer.files, writer.unpacked_bytes)


def _in_order(plan: Plan) -> Iterable[Inspected | Member]:
    entries: dict[str, Inspected | Member] = {file.member.name: file for file in plan.files}
    entries.update((member.name, member) for member in (*plan.links, *plan.bytecode))
    return (entries[name] for name in sorted(entries))


@contextmanager
def compressing(sink: _HashingSink) -> Iterator[BinaryIO]:
    """Open a gzip stream: Intel's ISA-L in threads if it is installed, else zlib.

    The stream is closed after an exception too, so that its threads end.
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
    """Writes members as a tar stream, each directory before the files in it."""

    def __init__(self, stream: BinaryIO, prefix_paths: PrefixPaths) -> None:
        self._stream = stream
        self._prefix_paths = prefix_paths
        self._directories: set[str] = set()
        self.files = 0
        self.unpacked_bytes = 0

    def add_file(self, file: Inspected) -> None:
        self._add_header(file.member, file.size)
        remaining = file.size
        for chunk in _content(file, self._prefix_paths):
            remaining -= len(chunk)
            if remaining < 0:
                break
            self._stream.write(chunk)
        if remaining:
            raise _changed(file.member)
        self._pad(file.size)

    def add_bytecode(self, member: Member, data: memoryview) -> None:
        if data:  # empty for a file that cannot be compiled, such as a template
            self._add_header(member, len(data))
            self._stream.write(data)
            self._pad(len(data))

    def add_link(self, member: Member) -> None:
        self._add_header(member, 0)

    def end(self) -> None:
        """Write two empty blocks, the end of a tar archive."""
        self._stream.write(bytes(2 * tarfile.BLOCKSIZE))

    def _add_header(self, member: Member, size: int) -> None:
        if member.name.rpartition("/")[0] not in self._directories:
            for directory in reversed(list(parents(member.name))):
                if directory not in self._directories:
                    self._directories.add(directory)
                    self._write_header(directory + "/", tarfile.DIRTYPE, EXECUTABLE_MODE)
        kind = tarfile.SYMTYPE if member.kind is MemberKind.LINK else tarfile.REGTYPE
        target = member.target if member.kind is MemberKind.LINK else ""
        self._write_header(member.name, kind, member.mode, size, target)
        self.files += 1
        self.unpacked_bytes += size

    def _write_header(
        self, name: str, kind: bytes, mode: int, size: int = 0, target: str = ""
    ) -> None:
        self._stream.write(header(name, kind, mode, size, target))

    def _pad(self, size: int) -> None:
        self._stream.write(bytes(-size % tarfile.BLOCKSIZE))


def header(name: str, kind: bytes, mode: int, size: int, target: str) -> bytes:
    """Return a member's GNU header, the same bytes as from tarfile.

    30,000 headers, as many as a large environment has files, take 0.1 s instead of 0.55 s with
    `TarInfo.tobuf`. A size that does not fit into its field is left to tarfile.
    """
    raw, link = (text.encode("utf-8", "surrogateescape") for text in (name, target))
    if size >= _HEADER_MAX_SIZE:
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
    """Return the block before the header of a member whose name or target is too long for it."""
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
    # The checksum is that of the block with eight spaces in the checksum's field.
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return (before + b"%06o\0 " % checksum + after).ljust(tarfile.BLOCKSIZE, b"\0")


def _content(file: Inspected, prefix_paths: PrefixPaths) -> Iterator[bytes]:
    """Yield a file's relocated content, in chunks if it is shipped unchanged."""
    try:
        with open_unbuffered(file.member.source) as source:
            if FileStamp.of(source) != file.stamp:
                raise _changed(file.member)
            if file.rewritten:
                yield relocate(file.member.name, source.readall(), prefix_paths)
            elif file.size <= CHUNK_BYTES:
                yield source.readall()
            else:
                yield from iter(lambda: source.read(CHUNK_BYTES), b"")
            if FileStamp.of(source) != file.stamp:
                raise _changed(file.member)
    except OSError as error:
        raise _changed(file.member) from error


def _changed(member: Member) -> PrefixError:
    return PrefixError(
        f"{member.source} changed while it was packed. Pack again when nothing writes to it."
    )
