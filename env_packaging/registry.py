"""Where published environments are in HDFS, and how one is found by its name.

    ENV_ROOT/NAME/KEY.tar.gz    an archive, never changed once it is there
    ENV_ROOT/NAME/KEY.json      its manifest, there only when the archive is
    ENV_ROOT/NAME/ALIAS         {"key": KEY}: what `NAME:ALIAS` stands for at this moment; and the
                                `state` of the prefix that it was packed from

- A reference is `NAME` (its alias `latest`), `NAME:ALIAS` or `NAME@KEY`.
- What is resolved is complete: an archive of the size that its manifest says.
- Nothing that everybody may write, or put another in the place of, is resolved: whoever can change
  an environment owns every notebook that runs in it.

Imported by the hub: standard library and the file system's interface only.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from env_packaging.errors import (
    DamagedEnvironment,
    EnvironmentNotFoundError,
    ReferenceFormatError,
    StorageError,
    UnsafeEnvironmentError,
)
from env_packaging.manifest import Manifest
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem

DEFAULT_ENV_ROOT = "/apps/yarnhub/envs"
LATEST = "latest"

ARCHIVE_SUFFIX = ".tar.gz"
MANIFEST_SUFFIX = ".json"

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"[0-9a-f]{20}")

#: Of an alias or a manifest: a hundred times what one of a large environment has.
_MOST_BYTES = 16 << 20

_OTHERS_READ, _OTHERS_WRITE, _OTHERS_ENTER, _STICKY = 0o004, 0o002, 0o001, 0o1000


@dataclass(frozen=True)
class Reference:
    """Which environment is meant: by `key`, or by `alias` if that is None."""

    name: str
    alias: str = LATEST
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.key}" if self.key else f"{self.name}:{self.alias}"


@dataclass(frozen=True)
class PublishedEnvironment:
    """An environment that can be handed to YARN as an archive.

    `path` has no scheme. Size (bytes) and time (milliseconds since 1970) are what YARN compares
    when it localizes. `public` says that every user may read it, so that a node unpacks one copy
    for all of them.
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
class Layout:
    """The paths of one environment's files."""

    env_root: str
    name: str

    @property
    def folder(self) -> str:
        return posixpath.join(self.env_root, self.name)

    def archive(self, key: str) -> str:
        return posixpath.join(self.folder, key + ARCHIVE_SUFFIX)

    def manifest(self, key: str) -> str:
        return posixpath.join(self.folder, key + MANIFEST_SUFFIX)

    def alias(self, alias: str) -> str:
        return posixpath.join(self.folder, alias)


def parse_reference(text: str) -> Reference:
    """Read `NAME`, `NAME:ALIAS` or `NAME@KEY`. Raises ReferenceFormatError."""
    if "@" in text:
        name, _, key = text.partition("@")
        if not _KEY.fullmatch(key):
            raise ReferenceFormatError(
                f"{key!r} in {text!r} is no key: a key has 20 digits 0-9a-f, as in the archive's "
                "file name."
            )
        return Reference(check_word("name", name), key=key)
    name, colon, alias = text.partition(":")
    if colon:
        return Reference(check_word("name", name), check_alias(alias))
    return Reference(check_word("name", name))


def check_word(what: str, word: str) -> str:
    """Return the word itself, if it may be an environment's name. Raises ReferenceFormatError."""
    if not _WORD.fullmatch(word):
        raise ReferenceFormatError(
            f"{word!r} can't be an environment's {what}: it has 1 to 64 letters, digits, dots, "
            "hyphens and underscores, and begins with a letter or a digit."
        )
    return word


def check_alias(alias: str) -> str:
    """Return the alias itself, if it may be one. Raises ReferenceFormatError."""
    check_word("alias", alias)
    if alias.endswith((ARCHIVE_SUFFIX, MANIFEST_SUFFIX)):
        raise ReferenceFormatError(
            f"{alias!r} can't be an alias: it would look like an archive or a manifest."
        )
    return alias


def resolve(filesystem: FileSystem, env_root: str, reference: str) -> PublishedEnvironment:
    """Find a published environment.

    Raises ReferenceFormatError, EnvironmentNotFoundError with what there is instead,
    UnsafeEnvironmentError for
    one that must not be used, and StorageError if HDFS does not answer.
    """
    wanted = parse_reference(reference)
    layout = Layout(env_root, wanted.name)
    with storage_errors(f"look up the environment {reference}"):
        key = wanted.key or resolve_alias(filesystem, layout, wanted.alias)
        try:
            manifest = Manifest.from_json(read_text(filesystem, layout.manifest(key)))
            archive = filesystem.stat(layout.archive(key))
        except FileNotFoundError as error:
            raise _nothing_there(filesystem, layout, wanted) from error
        if archive.size != manifest.archive_bytes:
            raise DamagedEnvironment(
                f"{archive.path} has {archive.size} bytes, and its manifest says "
                f"{manifest.archive_bytes}: pack the environment {layout.name} again."
            )
        above = stat_folders(filesystem, layout)
        refuse_open_to_all(archive, filesystem.stat(layout.manifest(key)))
    public = bool(archive.mode & _OTHERS_READ) and all(each.mode & _OTHERS_ENTER for each in above)
    return PublishedEnvironment(
        layout.name,
        key,
        archive.path,
        archive.size,
        archive.modified_ms,
        public,
        manifest,
    )


def names(filesystem: FileSystem, env_root: str) -> list[str]:
    """Return the names of all environments; none where there is no registry yet. A folder whose
    name none can have is nobody's. Raises StorageError."""
    with storage_errors(f"list the environments in {env_root}"):
        try:
            found = filesystem.list_dir(env_root)
        except FileNotFoundError:
            return []
    return [each.name for each in found if each.is_dir and _WORD.fullmatch(each.name)]


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Turn what the file system raises into a StorageError that says what was being done."""
    try:
        yield
    except OSError as error:
        reason = str(error.strerror or error).rstrip(".")
        raise StorageError(f"Could not {doing}: {reason}.") from error


def normalized(package: str) -> str:
    """Return a package's name in the one form that PEP 503 gives it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def read_text(filesystem: FileSystem, path: str) -> str:
    """Return what an alias or a manifest says; raises DamagedEnvironment for what is too large to
    be either, as somebody may have put there for whoever reads it."""
    with filesystem.open_read(path) as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise DamagedEnvironment(
            f"{path} has more than {_MOST_BYTES >> 20} MB, which is none that yarnhub has written: "
            "pack the environment again."
        )
    return data.decode(errors="replace")


def resolve_alias(filesystem: FileSystem, layout: Layout, alias: str) -> str:
    """Return the key that an alias stands for. Raises as `resolve` does."""
    return read_alias(filesystem, layout, alias).key


@dataclass(frozen=True)
class Pointer:
    """What an alias says: a key, and the state of the prefix that it was packed from, empty where
    nobody knows."""

    key: str
    state: str = ""

    def to_json(self) -> str:
        return json.dumps({"key": self.key, "state": self.state}) + "\n"


def read_alias(filesystem: FileSystem, layout: Layout, alias: str) -> Pointer:
    """Return what an alias says. Raises as `resolve` does."""
    path = layout.alias(alias)
    try:
        status = filesystem.stat(path)
        text = read_text(filesystem, path)
    except FileNotFoundError as error:
        raise _nothing_there(filesystem, layout, Reference(layout.name, alias)) from error
    refuse_open_to_all(status)
    try:
        values = json.loads(text)
        pointer = Pointer(values["key"], values.get("state", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        pointer = Pointer("")
    if not isinstance(pointer.key, str) or not _KEY.fullmatch(pointer.key):
        raise DamagedEnvironment(f"{path} does not say a key: pack the environment again.")
    return pointer


def refuse_open_to_all(*statuses: FileStatus) -> None:
    """Raise UnsafeEnvironmentError for the first that everybody may write."""
    for status in statuses:
        if status.mode & _OTHERS_WRITE:
            raise UnsafeEnvironmentError(
                f"{status.path} may be written by everybody, and so could be what notebooks run: "
                f"hdfs dfs -chmod o-w {status.path}"
            )


def stat_folders(filesystem: FileSystem, layout: Layout) -> list[FileStatus]:
    """Return the status of an environment's folder and of each above it.

    Raises UnsafeEnvironmentError where everybody may write. Above the registry the sticky bit is
    enough,
    as in /tmp: nobody moves away there what is another's.
    """
    folder = PurePosixPath(layout.folder)
    found = [filesystem.stat(str(each)) for each in (folder, *folder.parents)]
    ours, above = found[:2], found[2:]
    refuse_open_to_all(*ours, *(each for each in above if not each.mode & _STICKY))
    return found


def _nothing_there(
    filesystem: FileSystem, layout: Layout, wanted: Reference
) -> EnvironmentNotFoundError:
    """Return the error for what isn't published: it says what is."""
    published = names(filesystem, layout.env_root)
    if layout.name not in published:
        return EnvironmentNotFoundError(
            f"There is no environment {layout.name!r} in {layout.env_root}; there are: "
            f"{', '.join(published) or 'none yet (yarnhub pack-env publishes one)'}."
        )
    files = [each.name for each in filesystem.list_dir(layout.folder) if not each.is_dir]
    keys = [name.removesuffix(MANIFEST_SUFFIX) for name in files if name.endswith(MANIFEST_SUFFIX)]
    aliases = [
        name
        for name in files
        if _WORD.fullmatch(name) and not name.endswith((ARCHIVE_SUFFIX, MANIFEST_SUFFIX))
    ]
    return EnvironmentNotFoundError(
        f"The environment {layout.name!r} has no {wanted}; it has the aliases "
        f"{', '.join(aliases) or '(none)'} and the keys {', '.join(keys) or '(none)'}."
    )
