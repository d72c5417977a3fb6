"""Publishes an environment in the registry atomically.

- Each file is written under a temporary name that no reader looks for, and renamed: first the
  archive, then its manifest, last the alias. Until then the alias resolves to the old environment.
- A failure or Ctrl-C removes the temporary files.
- If two clients publish the same content concurrently, the first rename wins and the second client
  uses that archive. An archive never gets another client's manifest: the same content can be
  compressed to different archives.
- An identical archive that is already in place is kept: YARN fails applications if the modification
  time of their archive changes.
- When an alias moves, the manifest it pointed to is rewritten, so that `gc` can see since when it
  has been unused.
- Files are 0644 and directories 0755 whatever the cluster's umask, so that YARN localizes them once
  for all users.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from env_packaging.errors import (
    DamagedEnvironmentError,
    EnvironmentNotFoundError,
    UnsafeEnvironmentError,
)
from env_packaging.manifest import Manifest
from env_packaging.registry import (
    UPLOADING_SUFFIX,
    Layout,
    Pointer,
    PublishedEnvironment,
    Reference,
    check_alias,
    check_name,
    read_alias,
    resolve,
    stat_directories,
    storage_errors,
)
from hadoop_client.hdfs.filesystem import FileSystem, Writer

__all__ = ["delete_alias", "find", "find_unchanged", "publish", "set_alias"]

_FILE_MODE = 0o644
_DIRECTORY_MODE = 0o755

_CHUNK_BYTES = 4 << 20

#: How long the second client waits for the first one's manifest, which follows its archive by one
#: call, and how often it checks.
_MANIFEST_SECONDS = 10.0
_POLL_SECONDS = 0.2


def find(filesystem: FileSystem, env_root: str, name: str, key: str) -> PublishedEnvironment | None:
    """Return the environment of a key if it is published and complete, else None.

    Raises UnsafeEnvironmentError if it is complete but must not be used. Publishing it again would
    not help, and would replace the archive under running servers.
    """
    try:
        return resolve(filesystem, env_root, f"{name}@{key}")
    except (EnvironmentNotFoundError, DamagedEnvironmentError):
        return None


def find_unchanged(
    filesystem: FileSystem, env_root: str, reference: Reference, fingerprint: str
) -> PublishedEnvironment | None:
    """Return the complete environment of an alias if it was packed with this fingerprint.

    Raises as `find` does.
    """
    with storage_errors(f"look up {reference}"):
        pointer = _pointer(filesystem, Layout(env_root, reference.name), reference.alias)
    if pointer is None or pointer.fingerprint != fingerprint:
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
    """Publish one archive. `write` writes it and returns its manifest.

    `copies` is the archive's HDFS replication; 0 uses the cluster's default. Raises the errors of
    `write`, StorageError, and UnsafeEnvironmentError if a directory is world-writable.
    """
    layout = Layout(env_root, check_name("name", name))
    with storage_errors(f"publish {layout.archive(key)} as {filesystem.user}"):
        _make_directory(filesystem, layout)
        stat_directories(filesystem, layout)  # refuses world-writable ones
        with (
            _temporary(filesystem, layout.archive(key)) as archive,
            _temporary(filesystem, layout.manifest(key)) as manifest_file,
        ):
            with filesystem.open_write(archive, _FILE_MODE) as file:
                manifest = write(file)
            filesystem.set_permission(archive, _FILE_MODE)
            if copies:
                filesystem.set_replication(archive, copies)
            # Before the archive is renamed, so that a concurrent client waits for one call only.
            _write(filesystem, manifest_file, manifest.to_json().encode())
            if _put_archive(filesystem, layout, archive, manifest):
                filesystem.rename(manifest_file, layout.manifest(key), overwrite=True)
    return resolve(filesystem, env_root, f"{name}@{key}")


def set_alias(
    filesystem: FileSystem, env_root: str, reference: Reference, pointer: Pointer
) -> None:
    """Point an alias at a key. Nothing is written if the alias already has this content."""
    layout = Layout(env_root, reference.name)
    path = layout.alias(check_alias(reference.alias))
    with storage_errors(f"set {path} as {filesystem.user}"):
        before = _pointer(filesystem, layout, reference.alias)
        if before == pointer:
            return
        if before is not None and before.key != pointer.key:
            _rewrite(filesystem, layout.manifest(before.key))
        _replace(filesystem, path, pointer.to_json().encode())


def delete_alias(filesystem: FileSystem, env_root: str, reference: Reference) -> None:
    """Delete an alias, valid or not. Raises EnvironmentNotFoundError if it does not exist."""
    layout = Layout(env_root, reference.name)
    path = layout.alias(reference.alias)
    with storage_errors(f"delete {path} as {filesystem.user}"):
        with suppress(UnsafeEnvironmentError, PermissionError):
            if before := _pointer(filesystem, layout, reference.alias):
                _rewrite(filesystem, layout.manifest(before.key))
        try:
            filesystem.delete(path)
        except FileNotFoundError as error:
            raise EnvironmentNotFoundError(
                f"The alias {reference} does not exist in {env_root}."
            ) from error


def _pointer(filesystem: FileSystem, layout: Layout, alias: str) -> Pointer | None:
    """Return the content of an alias, None without valid content. Raises UnsafeEnvironmentError."""
    try:
        return read_alias(filesystem, layout, alias)
    except (EnvironmentNotFoundError, DamagedEnvironmentError):
        return None


def _rewrite(filesystem: FileSystem, path: str) -> None:
    """Renew the modification time of a manifest. The archive's own time must not change."""
    # The manifest may be gone, or belong to another user in a directory with the sticky bit.
    with suppress(FileNotFoundError, PermissionError):
        with filesystem.open_read(path) as file:
            content = file.read()
        _replace(filesystem, path, content)


def _make_directory(filesystem: FileSystem, layout: Layout) -> None:
    if not filesystem.exists(layout.directory):
        filesystem.mkdirs(layout.directory, _DIRECTORY_MODE)
        filesystem.set_permission(layout.directory, _DIRECTORY_MODE)


def _put_archive(
    filesystem: FileSystem, layout: Layout, temporary: str, manifest: Manifest
) -> bool:
    """Rename an archive into place unless its key is already published.

    Returns whether the manifest must follow.
    """

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
        # Another client's archive, whose manifest follows shortly. Otherwise one that an
        # interrupted publication left, or one that has lost its manifest.
        _wait_for(filesystem, layout.manifest(manifest.key))
        if is_published():
            return False
        filesystem.rename(temporary, path, overwrite=True)
    return True


def _is_same(filesystem: FileSystem, path: str, manifest: Manifest) -> bool:
    """Return whether a path has the archive that a manifest describes."""
    sha256 = hashlib.sha256()
    try:
        if filesystem.stat(path).size != manifest.archive_bytes:
            return False
        with filesystem.open_read(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                sha256.update(chunk)
    except FileNotFoundError:
        return False
    return sha256.hexdigest() == manifest.sha256


def _wait_for(filesystem: FileSystem, path: str) -> None:
    """Wait until a file exists, or until the client that should write it must have failed."""
    deadline = time.monotonic() + _MANIFEST_SECONDS
    while not filesystem.exists(path) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


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
    """Yield a temporary name in the directory of `path`; delete what still has it at the end."""
    directory, _, name = path.rpartition("/")
    temporary = f"{directory}/.{name}.{secrets.token_hex(4)}{UPLOADING_SUFFIX}"
    try:
        yield temporary
    finally:
        # An error from the body is more useful than one from this delete.
        with suppress(OSError):
            filesystem.delete(temporary)
