"""Compares an archive with its manifest, and looks for what must not be unpacked anywhere.

- All of the archive is read: its SHA-256, and each member's name, kind, mode and link.
- All that is wrong is told, and not only the first of it.
- Memory is constant but for the names of the links: nothing is unpacked.
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
from env_packaging.registry import PublishedEnvironment, refuse_open_to_all, storage_errors
from hadoop_client.hdfs.filesystem import FileSystem, Reader

_PIECE_BYTES = 1 << 20
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID


def verify(
    filesystem: FileSystem,
    environment: PublishedEnvironment,
    advance: Callable[[int], None] = lambda size_bytes: None,
) -> list[str]:
    """Return what is wrong with a published environment, a sentence each; empty if it is well.

    `advance` is told the bytes that were read. Raises StorageError.
    """
    manifest = environment.manifest
    with storage_errors(f"read {environment.path}"):
        with filesystem.open_read(environment.path) as reader:
            source = _Hashing(reader, advance)
            problems, files, unpacked_bytes = _read_members(source)
            source.read_to_end()
        after = filesystem.stat(environment.path)
    if source.digest.hexdigest() != manifest.sha256:
        problems.append(
            f"The archive's SHA-256 is {source.digest.hexdigest()}, and its manifest says "
            f"{manifest.sha256}."
        )
    elif (files, unpacked_bytes) != (manifest.files, manifest.unpacked_bytes):
        problems.append(
            f"The archive holds {files} files of {unpacked_bytes} bytes, and its manifest says "
            f"{manifest.files} of {manifest.unpacked_bytes}."
        )
    if (after.size, after.modified_ms) != (
        environment.size_bytes,
        environment.modification_time_ms,
    ):
        problems.append("The archive was replaced while it was read.")
    try:
        refuse_open_to_all(after)
    except UnsafeEnvironmentError as error:
        problems.append(str(error))
    return problems


class _Hashing:
    """A file that is hashed on its way to whoever reads it."""

    def __init__(self, reader: Reader, advance: Callable[[int], None]) -> None:
        self._reader = reader
        self._advance = advance
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._reader.read(size)
        self.digest.update(data)
        self._advance(len(data))
        return data

    def read_to_end(self) -> None:
        while self.read(_PIECE_BYTES):
            pass


def _read_members(source: _Hashing) -> tuple[list[str], int, int]:
    """Return what is wrong with the members, how many files and links there are, and their
    bytes."""
    problems: list[str] = []
    links: set[str] = set()
    seen: set[str] = set()
    files = unpacked_bytes = 0
    try:
        with tarfile.open(
            fileobj=cast(BinaryIO, source),
            mode="r|gz",
            bufsize=_PIECE_BYTES,
            errors="surrogateescape",
        ) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # else it keeps them all
                problems += (
                    f"{_shown(member.name)} {what}." for what in dangers(member, links, seen)
                )
                if member.issym():
                    links.add(posixpath.normpath(member.name))
                if not member.isdir():
                    seen.add(posixpath.normpath(member.name))
                    files += 1
                    unpacked_bytes += member.size if member.isreg() else 0
    except (tarfile.TarError, EOFError, zlib.error) as error:
        problems.append(f"The archive can't be read to its end: {error}.")
    return problems, files, unpacked_bytes


def dangers(member: tarfile.TarInfo, links: set[str], seen: set[str]) -> Iterator[str]:
    """Say what a member would do where it is unpacked that it must not do.

    `links` and `seen` are the symbolic links, and all files, that come before it in the archive.
    """
    name = posixpath.normpath(member.name)
    if _leaves(member.name):
        yield "would be unpacked outside of the environment"
    if name in seen:
        yield "is there twice"
    if any(folder in links for folder in _folders_above(name)):
        yield "would be written through a link"
    if member.issym() and _leaves(member.linkname, posixpath.dirname(name)):
        yield f"is a link out of the environment, to {_shown(member.linkname)}"
    if member.islnk() and _leaves(member.linkname):
        yield f"is a link out of the environment, to {_shown(member.linkname)}"
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        yield "is no file, folder or link, but a device or a pipe"
    if member.mode & _SPECIAL_BITS:
        yield "has a setuid or setgid bit"
    if member.mode & stat.S_IWOTH and not member.issym():
        yield "may be written by everybody"


def _leaves(path: str, folder: str = "") -> bool:
    """Tell whether a path, seen from a folder, leads out, or may: where `..` leads after a name
    depends on what that name is a link to, so that none after a name is taken."""
    after_first_name = dropwhile(lambda part: part in ("", ".", ".."), path.split("/"))
    normal = posixpath.normpath(posixpath.join(folder, path))
    return ".." in after_first_name or normal == ".." or normal.startswith(("/", "../"))


def _folders_above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path.rstrip("/")):
        if path == "/":
            return
        yield path


def _shown(name: str) -> str:
    return repr(name)[1:-1]
