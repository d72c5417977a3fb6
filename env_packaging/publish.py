"""Puts an environment into the registry, so that it is there whole or not at all.

- Everything is written beside its place under a name that no reader looks for, and renamed: first
  the archive, then its manifest, last the alias. Until then, what was there before is resolved.
- Whatever ends the writing, a failure or Ctrl-C, removes the temporary file.
- Of two who publish the same content at once, the one who renames first wins; the other takes that.
- Files are 0644 and folders 0755, whatever the cluster's umask: YARN then localizes them for all.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from env_packaging.errors import DamagedEnvironment, NoSuchEnvironment
from env_packaging.manifest import Manifest
from env_packaging.registry import (
    Layout,
    Pointer,
    PublishedEnvironment,
    Reference,
    check_alias,
    check_word,
    read_alias,
    resolve,
    stat_folders,
    storage_errors,
)
from hdfs_contents.filesystem import FileSystem, Writer

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755


def find(filesystem: FileSystem, env_root: str, name: str, key: str) -> PublishedEnvironment | None:
    """Return the environment of a key if it is published and whole, else None.

    Raises UnsafeEnvironment for one that is whole and must not be used: to publish it again would
    not help, and would take the archive away from whoever runs in it.
    """
    try:
        return resolve(filesystem, env_root, f"{name}@{key}")
    except (NoSuchEnvironment, DamagedEnvironment):
        return None


def find_unchanged(
    filesystem: FileSystem, env_root: str, reference: Reference, state: str
) -> PublishedEnvironment | None:
    """Return what an alias stands for if it was packed from a prefix of this state, and is whole.

    Raises as `find` does.
    """
    layout = Layout(env_root, reference.name)
    try:
        with storage_errors(f"look up {reference}"):
            pointer = read_alias(filesystem, layout, reference.alias)
    except (NoSuchEnvironment, DamagedEnvironment):
        return None
    if pointer.state != state:
        return None
    return find(filesystem, env_root, reference.name, pointer.key)


def publish(
    filesystem: FileSystem,
    env_root: str,
    name: str,
    key: str,
    write: Callable[[Writer], Manifest],
    copies: int = 0,
) -> PublishedEnvironment:
    """Publish one archive, which `write` writes and gives the manifest of. So many nodes of HDFS
    are to have a copy of it; 0: what the cluster gives a file.

    Raises what `write` raises, StorageError, and UnsafeEnvironment where everybody may write.
    """
    layout = Layout(env_root, check_word("name", name))
    with storage_errors(f"publish {layout.archive(key)} as {filesystem.user}"):
        _make_folder(filesystem, layout)
        stat_folders(filesystem, layout)  # which refuses what everybody may write
        with _temporary(filesystem, layout.archive(key)) as temporary:
            with filesystem.open_write(temporary, _FILE_MODE) as file:
                manifest = write(file)
            filesystem.set_permission(temporary, _FILE_MODE)
            if copies:
                filesystem.set_replication(temporary, copies)
            # Without a whole environment of this key, what has its name is the rest of a
            # publication that was cut off, and nobody can have resolved it.
            if find(filesystem, env_root, name, key) is None:
                filesystem.rename(temporary, layout.archive(key), overwrite=True)
                _replace(filesystem, layout.manifest(key), manifest.to_json())
    return resolve(filesystem, env_root, f"{name}@{key}")


def set_alias(
    filesystem: FileSystem, env_root: str, reference: Reference, pointer: Pointer
) -> None:
    """Let an alias say this from now on; nothing is written if it does already."""
    text = pointer.to_json()
    path = Layout(env_root, reference.name).alias(check_alias(reference.alias))
    with storage_errors(f"set {path} as {filesystem.user}"):
        try:
            with filesystem.open_read(path) as file:
                if file.read() == text.encode():
                    return
        except FileNotFoundError:
            pass  # its first time
        _replace(filesystem, path, text)


def delete_alias(filesystem: FileSystem, env_root: str, reference: Reference) -> None:
    """Delete an alias, whatever it says. Raises NoSuchEnvironment if it isn't there."""
    path = Layout(env_root, reference.name).alias(reference.alias)
    with storage_errors(f"delete {path} as {filesystem.user}"):
        try:
            filesystem.delete(path)
        except FileNotFoundError as error:
            raise NoSuchEnvironment(f"There is no alias {reference} in {env_root}.") from error


def _make_folder(filesystem: FileSystem, layout: Layout) -> None:
    if not filesystem.exists(layout.folder):
        filesystem.mkdirs(layout.folder, _FOLDER_MODE)
        filesystem.set_permission(layout.folder, _FOLDER_MODE)


def _replace(filesystem: FileSystem, path: str, text: str) -> None:
    with _temporary(filesystem, path) as temporary:
        with filesystem.open_write(temporary, _FILE_MODE) as file:
            file.write(text.encode())
        filesystem.set_permission(temporary, _FILE_MODE)
        filesystem.rename(temporary, path, overwrite=True)


@contextmanager
def _temporary(filesystem: FileSystem, path: str) -> Iterator[str]:
    """Give a name beside `path`, which is gone at the end: renamed away, or deleted."""
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}.{secrets.token_hex(4)}.uploading"
    try:
        yield temporary
    finally:
        # The reason for leaving matters more than that the rest could not be removed.
        with suppress(OSError):
            filesystem.delete(temporary)
