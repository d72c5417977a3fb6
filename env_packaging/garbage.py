"""Deletes unused environments, in an order that never leaves a partial one to be found.

- An alias is deleted before its manifest, and the manifest before the archive: an environment that
  can be resolved at any moment is complete.
- Keeps environments that an alias points to, that an unfinished application uses, or that were
  published or unaliased within the age limit: a hub may have resolved one without having submitted
  its server yet, or an administrator may want it back.
- Each environment is checked again immediately before it is deleted, and kept if an alias was
  pointed at it meanwhile.
"""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, replace

from env_packaging.errors import EnvironmentInUseError
from env_packaging.inventory import Folder, Stored, read_folder
from env_packaging.registry import UPLOADING_SUFFIX, Layout, storage_errors
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem


@dataclass(frozen=True)
class Garbage:
    """The keys and temporary files of one environment that may be deleted."""

    stored: tuple[Stored, ...]
    temporaries: tuple[FileStatus, ...]

    @property
    def size_bytes(self) -> int:
        archives = [stored.archive for stored in self.stored if stored.archive]
        return sum(file.size for file in (*archives, *self.temporaries))


def find_garbage(folder: Folder, used_keys: Set[str], oldest_ms: int) -> Garbage:
    """Return the garbage of an environment: nothing that was written after `oldest_ms`."""
    return Garbage(
        tuple(
            stored
            for stored in folder.stored
            if not list(reasons_to_keep(stored, used_keys)) and stored.modified_ms < oldest_ms
        ),
        tuple(file for file in folder.temporaries if file.modified_ms < oldest_ms),
    )


def reasons_to_keep(stored: Stored, used_keys: Set[str]) -> Iterator[str]:
    """Yield a clause for each alias or application that needs an environment."""
    if stored.aliases:
        names = ", ".join(stored.aliases)
        several = len(stored.aliases) > 1
        yield f"the aliases {names} point to it" if several else f"the alias {names} points to it"
    for alias in stored.unread_aliases:
        yield f"the alias {alias} cannot be read or trusted, and may point to it"
    if stored.key in used_keys:
        yield "an application that has not ended uses it"


def refuse_used(stored: Stored, used_keys: Set[str]) -> None:
    """Raise EnvironmentInUseError if an alias or an application needs the environment."""
    if reasons := list(reasons_to_keep(stored, used_keys)):
        raise EnvironmentInUseError(
            f"{stored} was not removed: {', and '.join(reasons)}. Use --force to remove it anyway."
        )


def delete(filesystem: FileSystem, env_root: str, stored: Stored, *, force: bool = False) -> bool:
    """Delete one key, and return whether it was deleted.

    A key that changed since it was listed (an alias was moved, for example) is kept. With `force`
    it is deleted anyway, and so are the aliases that now point to it. Raises StorageError.
    """
    folder = read_folder(filesystem, env_root, stored.name, stored.key)
    with storage_errors(f"remove {stored} as {filesystem.user}"):
        for current in folder.stored:
            if current != stored and not force:
                return False
            if not _delete_files(filesystem, env_root, current):
                return False
    return True


def _delete_files(filesystem: FileSystem, env_root: str, stored: Stored) -> bool:
    """Delete a key, and return whether no alias was pointed at it meanwhile.

    The files are set aside first: a packer looks for them after it has set an alias. So either it
    publishes the key again, or the alias is seen here. When the aliases cannot be read, the files
    are put back.
    """
    layout = Layout(env_root, stored.name)
    for alias in stored.aliases:
        _delete(filesystem, layout.alias(alias))
    paths = [layout.manifest(stored.key)]
    with suppress(FileNotFoundError):
        # A different status means that the key was published again after the check.
        if stored.archive and filesystem.stat(stored.archive.path) == stored.archive:
            paths.append(stored.archive.path)
    suffix = f"{secrets.token_hex(4)}{UPLOADING_SUFFIX}"
    aside = {path: f"{layout.directory}/.{posixpath.basename(path)}.{suffix}" for path in paths}
    may_be_needed = True
    try:
        for path in paths:
            with suppress(FileNotFoundError):
                filesystem.rename(path, aside[path])
        aliases = read_folder(filesystem, env_root, stored.name, stored.key).aliases
        may_be_needed = stored.key in aliases.values()
    finally:
        for path in reversed(paths):
            if may_be_needed:
                with suppress(FileNotFoundError, FileExistsError):  # or it was published again
                    filesystem.rename(aside[path], path)
            _delete(filesystem, aside[path])
    return not may_be_needed


def delete_garbage(filesystem: FileSystem, env_root: str, garbage: Garbage) -> Garbage:
    """Delete the garbage of an environment; return what was deleted. Raises StorageError."""
    deleted = tuple(stored for stored in garbage.stored if delete(filesystem, env_root, stored))
    delete_temporary_files(filesystem, garbage)
    return replace(garbage, stored=deleted)


def delete_temporary_files(filesystem: FileSystem, garbage: Garbage) -> None:
    """Delete the files of interrupted publications."""
    with storage_errors(f"remove temporary files as {filesystem.user}"):
        for file in garbage.temporaries:
            _delete(filesystem, file.path)


def _delete(filesystem: FileSystem, path: str) -> None:
    with suppress(FileNotFoundError):
        filesystem.delete(path)
