"""Puts an environment into the registry, so that it is there whole or not at all.

- Everything is written beside its place under a name that no reader looks for, and renamed: first
  the archive, then its manifest, last the alias. Until then, what was there before is resolved.
- Whatever ends the writing, a failure or Ctrl-C, removes the temporary file.
- Of two who publish the same content at once, the one who renames first wins; the other takes that.
  No archive comes to lie beside another's manifest, as the same content gives many archives.
- An archive that is in its place already stays if it is the same: YARN fails applications whose
  archive gets a new time.
- What an alias leaves gets its manifest anew: by that time `gc` tells how long nobody needs it.
- Files are 0644 and folders 0755, whatever the cluster's umask: YARN then localizes them for all.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from env_packaging.errors import (
    DamagedEnvironment,
    EnvironmentNotFoundError,
    UnsafeEnvironmentError,
)
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
from hadoop_client.hdfs.filesystem import FileSystem, Writer

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755

_PIECE_BYTES = 4 << 20

#: How long who comes second waits for the manifest of who has put the archive, and how often it
#: looks. The one follows the other by one call.
_MANIFEST_SECONDS = 10.0
_LOOK_SECONDS = 0.2


def find(filesystem: FileSystem, env_root: str, name: str, key: str) -> PublishedEnvironment | None:
    """Return the environment of a key if it is published and whole, else None.

    Raises UnsafeEnvironmentError for one that is whole and must not be used: to publish it again
    would
    not help, and would take the archive away from whoever runs in it.
    """
    try:
        return resolve(filesystem, env_root, f"{name}@{key}")
    except (EnvironmentNotFoundError, DamagedEnvironment):
        return None


def find_unchanged(
    filesystem: FileSystem, env_root: str, reference: Reference, state: str
) -> PublishedEnvironment | None:
    """Return what an alias stands for if it was packed from a prefix of this state, and is whole.

    Raises as `find` does.
    """
    with storage_errors(f"look up {reference}"):
        pointer = _pointer(filesystem, Layout(env_root, reference.name), reference.alias)
    if pointer is None or pointer.state != state:
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

    Raises what `write` raises, StorageError, and UnsafeEnvironmentError where everybody may write.
    """
    layout = Layout(env_root, check_word("name", name))
    with storage_errors(f"publish {layout.archive(key)} as {filesystem.user}"):
        _make_folder(filesystem, layout)
        stat_folders(filesystem, layout)  # which refuses what everybody may write
        with (
            _temporary(filesystem, layout.archive(key)) as archive,
            _temporary(filesystem, layout.manifest(key)) as record,
        ):
            with filesystem.open_write(archive, _FILE_MODE) as file:
                manifest = write(file)
            filesystem.set_permission(archive, _FILE_MODE)
            if copies:
                filesystem.set_replication(archive, copies)
            # Written before the archive is renamed, so that others wait but for a moment.
            _write(filesystem, record, manifest.to_json().encode())
            if _is_put(filesystem, layout, archive, manifest):
                filesystem.rename(record, layout.manifest(key), overwrite=True)
    return resolve(filesystem, env_root, f"{name}@{key}")


def set_alias(
    filesystem: FileSystem, env_root: str, reference: Reference, pointer: Pointer
) -> None:
    """Let an alias say this from now on; nothing is written if it does already."""
    layout = Layout(env_root, reference.name)
    path = layout.alias(check_alias(reference.alias))
    with storage_errors(f"set {path} as {filesystem.user}"):
        before = _pointer(filesystem, layout, reference.alias)
        if before == pointer:
            return
        if before is not None and before.key != pointer.key:
            _renew(filesystem, layout.manifest(before.key))
        _replace(filesystem, path, pointer.to_json().encode())


def delete_alias(filesystem: FileSystem, env_root: str, reference: Reference) -> None:
    """Delete an alias, whatever it says. Raises EnvironmentNotFoundError if it isn't there."""
    layout = Layout(env_root, reference.name)
    path = layout.alias(reference.alias)
    with storage_errors(f"delete {path} as {filesystem.user}"):
        with suppress(UnsafeEnvironmentError, PermissionError):
            if before := _pointer(filesystem, layout, reference.alias):
                _renew(filesystem, layout.manifest(before.key))
        try:
            filesystem.delete(path)
        except FileNotFoundError as error:
            raise EnvironmentNotFoundError(
                f"There is no alias {reference} in {env_root}."
            ) from error


def _pointer(filesystem: FileSystem, layout: Layout, alias: str) -> Pointer | None:
    """Return what an alias says, None if it says nothing. Raises UnsafeEnvironmentError."""
    try:
        return read_alias(filesystem, layout, alias)
    except (EnvironmentNotFoundError, DamagedEnvironment):
        return None


def _renew(filesystem: FileSystem, path: str) -> None:
    """Write a manifest as it is, at this time. The archive's own time is not to be touched."""
    # It may be gone; or somebody else's, where the folder has the sticky bit.
    with suppress(FileNotFoundError, PermissionError):
        with filesystem.open_read(path) as file:
            content = file.read()
        _replace(filesystem, path, content)


def _make_folder(filesystem: FileSystem, layout: Layout) -> None:
    if not filesystem.exists(layout.folder):
        filesystem.mkdirs(layout.folder, _FOLDER_MODE)
        filesystem.set_permission(layout.folder, _FOLDER_MODE)


def _is_put(filesystem: FileSystem, layout: Layout, temporary: str, manifest: Manifest) -> bool:
    """Bring an archive to its place unless the key is published by now, and return whether its
    manifest is to follow."""

    def is_published() -> bool:
        return find(filesystem, layout.env_root, layout.name, manifest.key) is not None

    if is_published():
        return False
    path = layout.archive(manifest.key)
    if _is_same(filesystem, path, manifest):
        return True
    try:
        filesystem.rename(temporary, path)
    except FileExistsError:
        # Somebody's whose manifest comes at once; else the rest of a publication that was cut off,
        # or what has lost its manifest.
        _wait_for(filesystem, layout.manifest(manifest.key))
        if is_published():
            return False
        filesystem.rename(temporary, path, overwrite=True)
    return True


def _is_same(filesystem: FileSystem, path: str, manifest: Manifest) -> bool:
    """Tell whether the archive that a manifest describes is there."""
    digest = hashlib.sha256()
    try:
        if filesystem.stat(path).size != manifest.archive_bytes:
            return False
        with filesystem.open_read(path) as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == manifest.sha256


def _wait_for(filesystem: FileSystem, path: str) -> None:
    """Wait until a file is there, or for as long as somebody who lives would take to put it."""
    deadline = time.monotonic() + _MANIFEST_SECONDS
    while not filesystem.exists(path) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _replace(filesystem: FileSystem, path: str, content: bytes) -> None:
    with _temporary(filesystem, path) as temporary:
        _write(filesystem, temporary, content)
        filesystem.rename(temporary, path, overwrite=True)


def _write(filesystem: FileSystem, path: str, content: bytes) -> None:
    with filesystem.open_write(path, _FILE_MODE) as file:
        file.write(content)
    filesystem.set_permission(path, _FILE_MODE)


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
