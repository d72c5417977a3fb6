"""Writes a plan as a tar.gz stream.

- The same plan gives the same bytes: members are sorted by name, have one fixed time, owner 0 and
  one of two modes, and the gzip headers have no name or time.
- The stream is a sequence of gzip members, which gzip, tar, Java and Python read as one file. Each
  segment has its own ones, so that a cache can have them from before. The cache changes no byte.
- Memory is constant: one member or a chunk of it, and a few blocks of a MiB.
- Each file must be unchanged since it was read for the plan. Its status is checked before and after
  it is read again, and its content too; a file that changed ends the packing.
"""

from __future__ import annotations

import hashlib
import struct
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from env_packaging.build.bytecode import BytecodeCompiler
from env_packaging.build.cache import Entry, NewEntry, PackCache
from env_packaging.build.inspection import CHUNK_BYTES, FileStamp, Inspected, open_unbuffered
from env_packaging.build.members import EXECUTABLE_MODE, Member, MemberKind, parents
from env_packaging.build.plan import Plan
from env_packaging.build.progress import Progress
from env_packaging.build.relocate import PrefixPaths, relocate
from env_packaging.build.segments import Segment, SegmentKeys, changed, segments_of
from env_packaging.build.tar import header

_T = TypeVar("_T")
_U = TypeVar("_U")

_ZLIB_LEVEL = 4
#: At levels 1 and 2, ISA-L (isal 1.9.1) now and then gives other bytes for the same content, mostly
#: in a new thread.
_ISAL_LEVEL = 3
_COMPRESSING_THREADS = 2

#: The most bytes of one gzip member, before compression.
_BLOCK_BYTES = 1 << 20

#: Blocks that are made ahead of the sink.
_AHEAD = 4

#: Bytes of the archive in one call of the sink. A call to HDFS takes a thread of its own.
_WRITE_BYTES = 4 << 20

#: A window of 32 KiB with gzip's header and trailer, in the terms of zlib.
_GZIP_WINDOW = 31

#: The end of a cached segment: its files, and their size in bytes.
_COUNTS = struct.Struct("<QQ")


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


@dataclass
class _Counts:
    files: int = 0
    unpacked_bytes: int = 0

    def add(self, files: int, unpacked_bytes: int) -> None:
        self.files += files
        self.unpacked_bytes += unpacked_bytes


class _Block(NamedTuple):
    """Data of the archive, and what has to be done after it was written."""

    data: bytes
    entry: NewEntry | None = None
    is_compressed: bool = False
    finish: Callable[[], None] | None = None


def write_archive(
    plan: Plan, sink: ByteSink, progress: Progress, cache: PackCache | None = None
) -> Written:
    """Write the archive to a sink, which is neither flushed nor closed.

    Segments that are in the cache are copied, and others are added to it.

    Raises PrefixError if the environment changed since the plan was made, and the errors of the
    sink.
    """
    progress.begin("Packing", len(plan.members), plan.size_bytes)
    output = _Output(sink)
    name, compress = _compressor()
    with (
        BytecodeCompiler(plan.prefix.interpreter) as compiler,
        ThreadPoolExecutor(_COMPRESSING_THREADS, "compress") as compressing,
        ThreadPoolExecutor(1, "write") as writing,
        cache or nullcontext(),
    ):
        archive = _Archive(plan, compiler, progress, cache, name)
        compressed = _in_order(
            compressing, partial(_compressed, compress), archive.blocks(), _AHEAD
        )
        for _ in _in_order(writing, output.add, compressed, 1):
            pass
        output.write_buffer()
    counts = archive.counts
    return Written(output.sha256.hexdigest(), output.size, counts.files, counts.unpacked_bytes)


def _compressor() -> tuple[str, Callable[[bytes], bytes]]:
    """Return the name of a compressor, and a function that makes a gzip member: Intel's ISA-L if it
    is installed, else zlib."""
    try:
        import isal
        from isal import isal_zlib
    except ImportError:
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION} {_ZLIB_LEVEL}", _compress_by_zlib
    compress: Callable[[bytes, int, int], bytes] = isal_zlib.compress
    name = f"isal {isal.__version__} {_ISAL_LEVEL}"
    return name, lambda data: compress(data, _ISAL_LEVEL, _GZIP_WINDOW)


def _compress_by_zlib(data: bytes) -> bytes:
    compressing = zlib.compressobj(_ZLIB_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return compressing.compress(data) + compressing.flush()


def _compressed(compress: Callable[[bytes], bytes], block: _Block) -> _Block:
    if block.is_compressed:
        return block
    return block._replace(data=compress(block.data), is_compressed=True)


def _in_order(
    pool: ThreadPoolExecutor, function: Callable[[_T], _U], items: Iterable[_T], ahead: int
) -> Iterator[_U]:
    """Yield the results of a function in a pool, with at most so many that were not taken."""
    waiting: deque[Future[_U]] = deque()
    for item in items:
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
        waiting.append(pool.submit(function, item))
    while waiting:
        yield waiting.popleft().result()


class _Output:
    """Hashes and counts the data for a sink, and adds it to the entries of the cache."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self._buffer: list[bytes] = []
        self._buffered = 0
        self.sha256 = hashlib.sha256()
        self.size = 0

    def add(self, block: _Block) -> None:
        self.sha256.update(block.data)
        self.size += len(block.data)
        self._buffer.append(block.data)
        self._buffered += len(block.data)
        if self._buffered >= _WRITE_BYTES:
            self.write_buffer()
        if block.entry:
            block.entry.write(block.data)
        if block.finish:
            block.finish()

    def write_buffer(self) -> None:
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        self._sink.write(data)


class _Archive:
    """Makes the blocks of an archive, and counts its files."""

    def __init__(
        self,
        plan: Plan,
        compiler: BytecodeCompiler,
        progress: Progress,
        cache: PackCache | None,
        compressor: str,
    ) -> None:
        self._plan = plan
        self._compiler = compiler
        self._progress = progress
        self._cache = cache
        self._keys = SegmentKeys(plan, compressor, cache.is_settled) if cache else None
        self.counts = _Counts()

    def blocks(self) -> Iterator[_Block]:
        """Yield the blocks in order. No file of a segment in the cache is read."""
        segments = [
            (segment, self._keys.key(segment) if self._keys else None)
            for segment in segments_of(self._plan)
        ]
        cached = self._cache.keys if self._cache else frozenset()
        new = (segment for segment, key in segments if key not in cached)
        compiled = self._compiler.compile_all(
            member for segment in new for member in segment.bytecode
        )
        for segment, key in segments:
            if self._cache is None or key is None or key not in cached:
                yield from self._make(segment, key, compiled)
            elif entry := self._cache.open(key):
                yield from self._copy(segment, entry)
            else:  # damaged
                again = self._compiler.compile_all(segment.bytecode)
                yield from self._make(segment, key, again)
        yield _Block(bytes(2 * tarfile.BLOCKSIZE))  # the end of a tar archive

    def _copy(self, segment: Segment, entry: Entry) -> Iterator[_Block]:
        end = entry.size - _COUNTS.size
        with entry:
            for chunk in entry.chunks(0, end):
                yield _Block(chunk, is_compressed=True)
            self.counts.add(*_COUNTS.unpack(b"".join(entry.chunks(end, entry.size))))
        self._progress.advance(len(segment.entries), segment.size)

    def _make(
        self, segment: Segment, key: str | None, compiled: Iterator[memoryview]
    ) -> Iterator[_Block]:
        entry = self._cache.create(key) if self._cache and key else None
        counts = _Counts()
        for data in _blocks_of(self._tar(segment, compiled, counts)):
            yield _Block(data, entry)
        self.counts.add(counts.files, counts.unpacked_bytes)
        if entry and key:
            content = _COUNTS.pack(counts.files, counts.unpacked_bytes)
            yield _Block(b"", None, True, partial(self._keep, segment, key, entry, content))

    def _keep(self, segment: Segment, key: str, entry: NewEntry, counts: bytes) -> None:
        """Add a segment to the cache, unless what its bytecode was made of changed meanwhile."""
        if self._keys and segment.bytecode and self._keys.key(segment) != key:
            entry.discard()
        else:
            entry.write(counts)
            entry.commit()

    def _tar(
        self, segment: Segment, compiled: Iterator[memoryview], counts: _Counts
    ) -> Iterator[bytes | memoryview]:
        """Yield a segment as a tar stream, each directory before the files in it."""
        directories = set(parents(segment.after))
        for entry in segment.entries:
            if isinstance(entry, Inspected):
                member, size = entry.member, entry.size
                content: Iterable[bytes | memoryview] = _content(entry, self._plan.prefix_paths)
            else:
                member, size, content = entry, 0, ()
                if entry.kind is MemberKind.BYTECODE:
                    data = next(compiled)
                    size, content = len(data), (data,)
            if member.kind is not MemberKind.BYTECODE or size:  # empty if it cannot be compiled
                yield _headers(member, size, directories)
                yield from content
                yield bytes(-size % tarfile.BLOCKSIZE)
                counts.add(1, size)
            self._progress.advance(1, entry.size if isinstance(entry, Inspected) else 0)


def _headers(member: Member, size: int, directories: set[str]) -> bytes:
    """Return the header of a member, after those of its directories that are not written yet."""
    headers = []
    if member.name.rpartition("/")[0] not in directories:
        for directory in reversed(list(parents(member.name))):
            if directory not in directories:
                directories.add(directory)
                headers.append(header(directory + "/", tarfile.DIRTYPE, EXECUTABLE_MODE, 0, ""))
    is_link = member.kind is MemberKind.LINK
    kind, target = (tarfile.SYMTYPE, member.target) if is_link else (tarfile.REGTYPE, "")
    headers.append(header(member.name, kind, member.mode, size, target))
    return b"".join(headers)


def _blocks_of(stream: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Yield a stream in blocks of one size, the last one smaller."""
    buffer = bytearray()
    for data in stream:
        buffer += data
        while len(buffer) >= _BLOCK_BYTES:
            yield bytes(memoryview(buffer)[:_BLOCK_BYTES])
            del buffer[:_BLOCK_BYTES]
    if buffer:
        yield bytes(buffer)


def _content(file: Inspected, prefix_paths: PrefixPaths) -> Iterator[bytes]:
    """Yield a file's relocated content, in chunks if it is shipped unchanged."""
    remaining = file.size
    sha256 = hashlib.sha256()
    for chunk in _read(file, prefix_paths):
        remaining -= len(chunk)
        if remaining < 0:
            break
        sha256.update(chunk)
        yield chunk
    # Installers give files the times that they have in a package: another file can have the same.
    if remaining or sha256.hexdigest() != file.sha256:
        raise changed(file.member)


def _read(file: Inspected, prefix_paths: PrefixPaths) -> Iterator[bytes]:
    try:
        with open_unbuffered(file.member.source) as source:
            if not FileStamp.of(source.fileno()).has_content_of(file.stamp):
                raise changed(file.member)
            if file.rewritten:
                yield relocate(file.member.name, source.readall(), prefix_paths)
            elif file.size <= CHUNK_BYTES:
                yield source.readall()
            else:
                yield from iter(lambda: source.read(CHUNK_BYTES), b"")
            if not FileStamp.of(source.fileno()).has_content_of(file.stamp):
                raise changed(file.member)
    except OSError as error:
        raise changed(file.member) from error
