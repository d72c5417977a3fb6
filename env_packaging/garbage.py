"""Deletes what nobody uses from the registry, in an order in which nobody finds half of anything.

- An alias goes before the manifest it leads to, and the manifest before the archive: what can be
  resolved at any moment is whole.
- Kept is what an alias stands for, what an application uses that has not ended, and what an alias
  has left, or was published, within an age limit: somebody may have resolved it and not submitted
  yet, or may want it back.
- Each is looked at once more right before it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass

from env_packaging.errors import EnvironmentInUseError
from env_packaging.inventory import Folder, Stored, read_folder
from env_packaging.registry import Layout, storage_errors
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem


@dataclass(frozen=True)
class Garbage:
    """What may be deleted of one environment."""

    stored: tuple[Stored, ...]
    temporaries: tuple[FileStatus, ...]

    @property
    def size_bytes(self) -> int:
        archives = [each.archive for each in self.stored if each.archive]
        return sum(each.size for each in (*archives, *self.temporaries))


def find_garbage(folder: Folder, used_keys: Set[str], oldest_ms: int) -> Garbage:
    """Decide what of an environment may go: nothing that was written after `oldest_ms`."""
    return Garbage(
        tuple(
            each
            for each in folder.stored
            if not list(uses(each, used_keys)) and each.modified_ms < oldest_ms
        ),
        tuple(each for each in folder.temporaries if each.modified_ms < oldest_ms),
    )


def uses(stored: Stored, used_keys: Set[str]) -> Iterator[str]:
    """Say what an environment is needed for."""
    if stored.aliases:
        names = ", ".join(stored.aliases)
        several = len(stored.aliases) > 1
        yield f"the aliases {names} stand for it" if several else f"the alias {names} stands for it"
    for alias in stored.unread_aliases:
        yield f"the alias {alias} can't be read or trusted, and may stand for it"
    if stored.key in used_keys:
        yield "an application that has not ended uses it"


def refuse_used(stored: Stored, used_keys: Set[str]) -> None:
    """Raise EnvironmentInUseError for what is needed."""
    if reasons := list(uses(stored, used_keys)):
        raise EnvironmentInUseError(
            f"{stored} is kept: {', and '.join(reasons)}. Give --force to remove it all the same."
        )


def delete(filesystem: FileSystem, env_root: str, stored: Stored, *, force: bool = False) -> bool:
    """Delete one key, and return whether it is gone.

    It stays if it is not what it was when it was looked at, because an alias was set to it, say, or
    has left it. With `force` it goes all the same, and the aliases that stand for it now. Raises
    StorageError.
    """
    folder = read_folder(filesystem, env_root, stored.name, stored.key)
    with storage_errors(f"remove {stored} as {filesystem.user}"):
        for now in folder.stored:
            if now != stored and not force:
                return False
            _delete_files(filesystem, Layout(env_root, stored.name), now)
    return True


def _delete_files(filesystem: FileSystem, layout: Layout, stored: Stored) -> None:
    for alias in stored.aliases:
        _delete(filesystem, layout.alias(alias))
    _delete(filesystem, layout.manifest(stored.key))
    archive = stored.archive
    with suppress(FileNotFoundError):
        # One that is another by now was published after we looked.
        if archive and filesystem.stat(archive.path) == archive:
            filesystem.delete(archive.path)


def sweep(filesystem: FileSystem, garbage: Garbage) -> None:
    """Delete what publications that were cut off have left."""
    with storage_errors(f"remove temporary files as {filesystem.user}"):
        for each in garbage.temporaries:
            _delete(filesystem, each.path)


def _delete(filesystem: FileSystem, path: str) -> None:
    with suppress(FileNotFoundError):
        filesystem.delete(path)
