"""Compares an archive with its manifest, and looks for members that are unsafe to unpack.

- Reads the whole archive: its SHA-256, and the name, kind, mode and link target of each member.
- Reports all problems, not only the first.
- Unpacks nothing. Memory is constant except for the members' names, and these are limited too: the
  archive may come from another user.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from itertools import dropwhile
from typing import IO, TYPE_CHECKING, cast

from env_packaging.errors import UnsafeEnvironmentError
from env_packaging.registry import PublishedEnvironment, refuse_world_writable, storage_errors
from hadoop_client.hdfs.filesystem import FileSystem, Reader

if TYPE_CHECKING:
    from typing_extensions import Self

_CHUNK_BYTES = 1 << 20

#: The limit of the extension headers (long names, PAX records) of one member. tarfile reads each
#: as a whole. A name that HDFS or Linux accepts has at most 8,000 bytes.
_MAX_EXTENSION_BYTES = 1 << 20

#: An extension header counts as at least so many bytes, because tarfile recurses for each.
_LEAST_EXTENSION_BYTES = 64 << 10

#: The limit of the memory for members' names: 700,000 files with names of 90 bytes.
_MAX_NAMES_BYTES = 128 << 20

#: What Python needs for a name in a set, beside its text.
_NAME_OVERHEAD_BYTES = 100

#: More problems than this are not reported.
_MAX_PROBLEMS = 1000

#: The limit of the characters of a name in a problem.
_MAX_SHOWN = 300
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID


def verify(
    filesystem: FileSystem,
    environment: PublishedEnvironment,
    advance: Callable[[int], None] = lambda size_bytes: None,
) -> list[str]:
    """Return the problems of a published environment, a sentence each.

    `advance` is called with the number of bytes of each read. Raises StorageError.
    """
    manifest = environment.manifest
    with storage_errors(f"read {environment.path}"):
        with filesystem.open_read(environment.path) as reader:
            source = _HashingReader(reader, advance)
            problems, files, unpacked_bytes = _read_members(source)
            source.read_to_end()
        after = filesystem.stat(environment.path)
    if source.sha256.hexdigest() != manifest.sha256:
        problems.append(
            f"The archive's SHA-256 is {source.sha256.hexdigest()}, but its manifest says "
            f"{manifest.sha256}."
        )
    elif (files, unpacked_bytes) != (manifest.files, manifest.unpacked_bytes):
        problems.append(
            f"The archive holds {files} files of {unpacked_bytes} bytes, but its manifest says "
            f"{manifest.files} of {manifest.unpacked_bytes}."
        )
    if (after.size, after.modified_ms) != (
        environment.size_bytes,
        environment.modification_time_ms,
    ):
        problems.append("The archive was replaced while it was read.")
    try:
        refuse_world_writable(after)
    except UnsafeEnvironmentError as error:
        problems.append(str(error))
    return problems


class _HashingReader(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, reader: Reader, advance: Callable[[int], None]) -> None:
        self._reader = reader
        self._advance = advance
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._reader.read(len(buffer))
        self.sha256.update(data)
        self._advance(len(data))
        buffer[: len(data)] = data
        return len(data)

    def read_to_end(self) -> None:
        while self.read(_CHUNK_BYTES):
            pass


class _BoundedTarInfo(tarfile.TarInfo):
    """A member whose headers are refused before tarfile reads more than the limit into memory.

    Each archive has its own subclass, which counts.
    """

    extension_bytes = 0
    global_bytes = 0

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        size_bytes = max(member.size, _LEAST_EXTENSION_BYTES)
        if member.type == tarfile.GNUTYPE_SPARSE:
            raise _sparse_error()
        if member.type == tarfile.XGLTYPE:
            cls.global_bytes += size_bytes  # tarfile keeps these records for all further members
        if member.type in _EXTENSIONS:
            cls.extension_bytes += size_bytes
        else:
            cls.extension_bytes = 0
        if max(cls.extension_bytes, cls.global_bytes) > _MAX_EXTENSION_BYTES:
            raise tarfile.ReadError(
                f"a member has extension headers of more than {_MAX_EXTENSION_BYTES >> 20} MiB"
            )
        return member

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise _sparse_error()


#: The types of headers that tarfile reads into memory: GNU's long names, and PAX records.
_EXTENSIONS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)


def _sparse_error() -> tarfile.ReadError:
    return tarfile.ReadError("it has a sparse file, which yarnhub does not write")


class _Names:
    """The names of the members so far, within the limit."""

    def __init__(self) -> None:
        self.links: set[str] = set()
        self.files: set[str] = set()
        self._bytes = 0

    def add(self, member: tarfile.TarInfo) -> None:
        """Keep a member's name; raises tarfile.ReadError over the limit."""
        name = posixpath.normpath(member.name)
        for is_kept, names in ((member.issym(), self.links), (not member.isdir(), self.files)):
            if is_kept and name not in names:
                names.add(name)
                self._bytes += len(name) + _NAME_OVERHEAD_BYTES
        if self._bytes > _MAX_NAMES_BYTES:
            raise tarfile.ReadError(f"its names need more than {_MAX_NAMES_BYTES >> 20} MiB")


def _read_members(source: _HashingReader) -> tuple[list[str], int, int]:
    """Return the members' problems, the number of files and links, and their total size."""
    problems: list[str] = []
    names = _Names()
    files = unpacked_bytes = 0
    # A GzipFile, because tarfile's own mode for gzip unpacks a whole chunk of any size at once.
    unpacked = gzip.GzipFile(fileobj=io.BufferedReader(source, _CHUNK_BYTES), mode="rb")
    try:
        with tarfile.open(
            fileobj=cast("IO[bytes]", unpacked),
            mode="r|",
            bufsize=_CHUNK_BYTES,
            errors="surrogateescape",
            tarinfo=type("_Member", (_BoundedTarInfo,), {}),
        ) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                problems += (
                    f"{_shown(member.name)} {danger}."
                    for danger in dangers(member, names.links, names.files)
                )
                if len(problems) >= _MAX_PROBLEMS:
                    raise tarfile.ReadError("it has too many problems")
                names.add(member)
                if not member.isdir():
                    files += 1
                    unpacked_bytes += member.size if member.isreg() else 0
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        problems.append(f"The archive cannot be read to its end: {error}.")
    return problems, files, unpacked_bytes


def dangers(member: tarfile.TarInfo, links: set[str], seen: set[str]) -> Iterator[str]:
    """Yield a clause for each reason not to unpack a member.

    `links` and `seen` are the names of the symbolic links, and of all files, before it in the
    archive.
    """
    name = posixpath.normpath(member.name)
    if _leaves(member.name):
        yield "would be unpacked outside the environment"
    if name in seen:
        yield "occurs twice"
    if any(directory in links for directory in _parents(name)):
        yield "would be written through a link"
    if member.issym() and _leaves(member.linkname, posixpath.dirname(name)):
        yield f"is a link out of the environment, to {_shown(member.linkname)}"
    if member.islnk() and _leaves(member.linkname):
        yield f"is a link out of the environment, to {_shown(member.linkname)}"
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        yield "is a device or a pipe, not a file, directory or link"
    if member.mode & _SPECIAL_BITS:
        yield "has a setuid or setgid bit"
    if member.mode & stat.S_IWOTH and not member.issym():
        yield "is world-writable"


def _leaves(path: str, directory: str = "") -> bool:
    """Return whether a path, relative to a directory, may lead outside the environment.

    `..` after a name is refused: if the name is a link, `..` leads to the parent of its target.
    """
    after_first_name = dropwhile(lambda part: part in ("", ".", ".."), path.split("/"))
    normal = posixpath.normpath(posixpath.join(directory, path))
    return ".." in after_first_name or normal == ".." or normal.startswith(("/", "../"))


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path.rstrip("/")):
        if path == "/":
            return
        yield path


def _shown(name: str) -> str:
    shown = repr(name[:_MAX_SHOWN])[1:-1]
    return shown if len(name) <= _MAX_SHOWN else f"{shown}..."
