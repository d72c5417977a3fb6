"""Where published environments are in HDFS, and how to find one by its name.

    ENV_ROOT/NAME/KEY.tar.gz    an archive, never changed after it was published
    ENV_ROOT/NAME/KEY.json      its manifest, present only if the archive is
    ENV_ROOT/NAME/ALIAS         {"key": KEY, "state": FINGERPRINT}: the key that `NAME:ALIAS` points
                                to, and the fingerprint of the prefix that it was packed from

- A reference is `NAME` (its alias `latest`), `NAME:ALIAS` or `NAME@KEY`.
- A resolved environment is complete: its archive has the size that the manifest records.
- World-writable files are never resolved, nor files that any user could replace: an attacker who
  changes an environment controls every notebook that runs in it.

The hub imports this module: standard library and the file system's interface only.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from env_packaging.errors import (
    DamagedEnvironmentError,
    EnvironmentNotFoundError,
    ReferenceFormatError,
    StorageError,
    UnsafeEnvironmentError,
)
from env_packaging.manifest import Manifest
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem

__all__ = [
    "DEFAULT_ENV_ROOT",
    "LATEST",
    "Pointer",
    "PublishedEnvironment",
    "Reference",
    "names",
    "parse_reference",
    "resolve",
    "storage_errors",
]

#: Directory in HDFS of all environments, unless an option names another one.
DEFAULT_ENV_ROOT = "/apps/yarnhub/envs"

#: The variable with the directory of all environments, if it is another one.
ENV_ROOT_VARIABLE = "YARNHUB_ENV_ROOT"

#: The variable of a server with the directory of its user's own environments, if the hub has them.
OWN_ENVS_VARIABLE = "YARNHUB_OWN_ENVS"

#: The directory in a user's home for them, unless that variable is set.
OWN_ENVS = "envs"

#: Begins the name of one of the user's own environments in the hub's settings.
OWN = "~/"

#: Alias of a reference that names neither an alias nor a key.
LATEST = "latest"

ARCHIVE_SUFFIX = ".tar.gz"
MANIFEST_SUFFIX = ".json"

#: Suffix of files that are being written. No reader looks for them.
UPLOADING_SUFFIX = ".uploading"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"[0-9a-f]{20}")

#: Size limit of an alias or a manifest: a hundred times the manifest of a large environment.
_MAX_BYTES = 16 << 20

_OTHERS_READ, _OTHERS_WRITE, _OTHERS_ENTER, _STICKY = 0o004, 0o002, 0o001, 0o1000


@dataclass(frozen=True)
class Reference:
    """A name with a `key`, or with an `alias` if `key` is None."""

    name: str
    alias: str = LATEST
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.key}" if self.key else f"{self.name}:{self.alias}"


@dataclass(frozen=True)
class PublishedEnvironment:
    """An environment that YARN can localize as an archive.

    `path` has no scheme. YARN compares size (bytes) and modification time (milliseconds since 1970)
    when it localizes. `public` means that every user can read the archive, so that a node unpacks
    one copy for all of them.
    """

    name: str
    key: str
    path: str
    size_bytes: int
    modification_time_ms: int
    public: bool
    manifest: Manifest

    @property
    def python_version(self) -> str:
        return self.manifest.python_version


@dataclass(frozen=True)
class Pointer:
    """The content of an alias: a key, and the fingerprint of the prefix that was packed.

    The fingerprint is empty if it is unknown.
    """

    key: str
    fingerprint: str = ""

    def to_json(self) -> str:
        return json.dumps({"key": self.key, "state": self.fingerprint}) + "\n"


@dataclass(frozen=True)
class Layout:
    """The paths of one environment's files."""

    env_root: str
    name: str

    @property
    def directory(self) -> str:
        return posixpath.join(self.env_root, self.name)

    def archive(self, key: str) -> str:
        return posixpath.join(self.directory, key + ARCHIVE_SUFFIX)

    def manifest(self, key: str) -> str:
        return posixpath.join(self.directory, key + MANIFEST_SUFFIX)

    def alias(self, alias: str) -> str:
        return posixpath.join(self.directory, alias)


def parse_reference(text: str) -> Reference:
    """Read `NAME`, `NAME:ALIAS` or `NAME@KEY`. Raises ReferenceFormatError."""
    if "@" in text:
        name, _, key = text.partition("@")
        if not is_key(key):
            raise ReferenceFormatError(
                f"{key!r} in {text!r} is not a key. A key is 20 hexadecimal digits, as in the "
                "archive's file name."
            )
        return Reference(check_name("name", name), key=key)
    name, colon, alias = text.partition(":")
    if colon:
        return Reference(check_name("name", name), check_alias(alias))
    return Reference(check_name("name", name))


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key."""
    return _KEY.fullmatch(text) is not None


def check_name(what: str, name: str) -> str:
    """Return `name` if an environment or an alias may have it. Raises ReferenceFormatError."""
    if not _NAME.fullmatch(name):
        raise ReferenceFormatError(
            f"{name!r} cannot be an environment's {what}. Use 1 to 64 letters, digits, dots, "
            "hyphens and underscores, starting with a letter or a digit."
        )
    return name


def check_alias(alias: str) -> str:
    """Return `alias` if it is valid. Raises ReferenceFormatError."""
    check_name("alias", alias)
    if alias.endswith((ARCHIVE_SUFFIX, MANIFEST_SUFFIX)):
        raise ReferenceFormatError(
            f"{alias!r} cannot be an alias: names of archives and manifests end in "
            f"{ARCHIVE_SUFFIX} and {MANIFEST_SUFFIX}."
        )
    return alias


def resolve(filesystem: FileSystem, env_root: str, reference: str) -> PublishedEnvironment:
    """Find a published environment.

    Raises ReferenceFormatError, EnvironmentNotFoundError (which lists the published ones),
    UnsafeEnvironmentError if the environment must not be used, and StorageError if HDFS fails.
    """
    wanted = parse_reference(reference)
    layout = Layout(env_root, wanted.name)
    with storage_errors(f"look up the environment {reference}"):
        key = wanted.key or resolve_alias(filesystem, layout, wanted.alias)
        try:
            manifest = Manifest.from_json(read_text(filesystem, layout.manifest(key)))
            archive = filesystem.stat(layout.archive(key))
        except FileNotFoundError as error:
            raise _not_found(filesystem, layout, wanted) from error
        if archive.size != manifest.archive_bytes:
            raise DamagedEnvironmentError(
                f"{archive.path} has {archive.size} bytes, but its manifest says "
                f"{manifest.archive_bytes}. Pack the environment {layout.name} again."
            )
        directories = stat_directories(filesystem, layout)
        refuse_world_writable(archive, filesystem.stat(layout.manifest(key)))
    public = bool(archive.mode & _OTHERS_READ) and all(
        directory.mode & _OTHERS_ENTER for directory in directories
    )
    return PublishedEnvironment(
        layout.name,
        key,
        layout.archive(key),  # never a path from the NameNode's answer
        archive.size,
        archive.modified_ms,
        public,
        manifest,
    )


def names(filesystem: FileSystem, env_root: str) -> list[str]:
    """Return the names of all environments; an empty list before the first publication.

    Directories with an invalid name are ignored. Raises StorageError.
    """
    with storage_errors(f"list the environments in {env_root}"):
        try:
            entries = filesystem.list_dir(env_root)
        except FileNotFoundError:
            return []
    return [entry.name for entry in entries if entry.is_dir and _NAME.fullmatch(entry.name)]


@contextmanager
def storage_errors(operation: str) -> Iterator[None]:
    """Turn an OSError into a StorageError: "Could not `operation`: reason."."""
    try:
        yield
    except OSError as error:
        reason = str(error.strerror or error).rstrip(".")
        raise StorageError(f"Could not {operation}: {reason}.") from error


def check_env_root(env_root: str) -> str:
    """Return the directory of all environments if it is absolute.

    Raises ReferenceFormatError.
    """
    if not env_root.startswith("/"):
        raise ReferenceFormatError(
            f"{env_root!r} is not an absolute path in HDFS. Give one such as {DEFAULT_ENV_ROOT}."
        )
    return env_root


def normalized(package: str) -> str:
    """Return the normalized name of a package (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def read_text(filesystem: FileSystem, path: str) -> str:
    """Return the text of an alias or a manifest.

    Raises DamagedEnvironmentError for a larger file, so that a planted one does not fill the
    reader's memory.
    """
    with filesystem.open_read(path) as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise DamagedEnvironmentError(
            f"{path} has more than {_MAX_BYTES >> 20} MB, so yarnhub did not write it. Pack the "
            "environment again."
        )
    return data.decode(errors="replace")


def resolve_alias(filesystem: FileSystem, layout: Layout, alias: str) -> str:
    """Return the key that an alias points to. Raises as `resolve` does."""
    return read_alias(filesystem, layout, alias).key


def read_alias(filesystem: FileSystem, layout: Layout, alias: str) -> Pointer:
    """Return the content of an alias. Raises as `resolve` does."""
    path = layout.alias(alias)
    try:
        status = filesystem.stat(path)
        text = read_text(filesystem, path)
    except FileNotFoundError as error:
        raise _not_found(filesystem, layout, Reference(layout.name, alias)) from error
    refuse_world_writable(status)
    try:
        values = json.loads(text)
        pointer = Pointer(values["key"], values.get("state", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pointer = Pointer("")
    if not isinstance(pointer.key, str) or not is_key(pointer.key):
        raise DamagedEnvironmentError(f"{path} does not contain a key. Pack the environment again.")
    return pointer


def refuse_world_writable(*statuses: FileStatus) -> None:
    """Raise UnsafeEnvironmentError for the first file or directory that is world-writable."""
    for status in statuses:
        if status.mode & _OTHERS_WRITE:
            raise UnsafeEnvironmentError(
                f"{status.path} is world-writable, so anyone could change what notebooks run. "
                f"Run: hdfs dfs -chmod o-w {shlex.quote(status.path)}"
            )


def stat_directories(filesystem: FileSystem, layout: Layout) -> list[FileStatus]:
    """Return the status of an environment's directory and of all its parents.

    Raises UnsafeEnvironmentError if one is world-writable. Above the registry the sticky bit is
    enough, as in /tmp: it keeps users from renaming each other's files.
    """
    directory = PurePosixPath(layout.directory)
    statuses = [filesystem.stat(str(path)) for path in (directory, *directory.parents)]
    registry, above = statuses[:2], statuses[2:]
    refuse_world_writable(*registry, *(status for status in above if not status.mode & _STICKY))
    return statuses


def _not_found(
    filesystem: FileSystem, layout: Layout, wanted: Reference
) -> EnvironmentNotFoundError:
    """Return the error for an unpublished environment, with the published ones."""
    published = names(filesystem, layout.env_root)
    if layout.name not in published:
        listed = (
            f"Published there: {', '.join(published)}."
            if published
            else "The directory has no environment yet: publish one with yarnhub pack-env."
        )
        return EnvironmentNotFoundError(
            f"There is no environment {layout.name!r} in {layout.env_root}. {listed}"
        )
    files = [entry.name for entry in filesystem.list_dir(layout.directory) if not entry.is_dir]
    keys = [file.removesuffix(MANIFEST_SUFFIX) for file in files if file.endswith(MANIFEST_SUFFIX)]
    aliases = [
        file
        for file in files
        if _NAME.fullmatch(file) and not file.endswith((ARCHIVE_SUFFIX, MANIFEST_SUFFIX))
    ]
    if wanted.key in keys if wanted.key else wanted.alias in aliases:
        return EnvironmentNotFoundError(
            f"The environment {wanted} is incomplete: its archive or its manifest is missing. Pack "
            "it again."
        )
    return EnvironmentNotFoundError(
        f"The environment {layout.name!r} has no {wanted}. Its aliases: "
        f"{', '.join(aliases) or '(none)'}. Its keys: {', '.join(keys) or '(none)'}."
    )
