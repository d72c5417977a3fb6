"""Compares an archive with its manifest, and looks for members that are unsafe to unpack.

- Reads the whole archive: its SHA-256, and the name, kind, mode and link target of each member.
- Reports all problems, not only the first.
- Unpacks nothing. Memory is constant except for the members' names.
"""

from __future__ import annotations

import hashlib
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from itertools import dropwhile
from typing import BinaryIO, cast

from env_packaging.errors import UnsafeEnvironmentError
from env_packaging.registry import PublishedEnvironment, refuse_world_writable, storage_errors
from hadoop_client.hdfs.filesystem import FileSystem, Reader

_CHUNK_BYTES = 1 << 20
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


class _HashingReader:
    """A file that is hashed while it is read."""

    def __init__(self, reader: Reader, advance: Callable[[int], None]) -> None:
        self._reader = reader
        self._advance = advance
        self.sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._reader.read(size)
        self.sha256.update(data)
        self._advance(len(data))
        return data

    def read_to_end(self) -> None:
        while self.read(_CHUNK_BYTES):
            pass


def _read_members(source: _HashingReader) -> tuple[list[str], int, int]:
    """Return the members' problems, the number of files and links, and their total size."""
    problems: list[str] = []
    links: set[str] = set()
    seen: set[str] = set()
    files = unpacked_bytes = 0
    try:
        with tarfile.open(
            fileobj=cast(BinaryIO, source),
            mode="r|gz",
            bufsize=_CHUNK_BYTES,
            errors="surrogateescape",
        ) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                problems += (
                    f"{_shown(member.name)} {danger}." for danger in dangers(member, links, seen)
                )
                if member.issym():
                    links.add(posixpath.normpath(member.name))
                if not member.isdir():
                    seen.add(posixpath.normpath(member.name))
                    files += 1
                    unpacked_bytes += member.size if member.isreg() else 0
    except (tarfile.TarError, EOFError, zlib.error) as error:
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
    return repr(name)[1:-1]
