"""What the registry holds: all environments, their aliases, and the rests of cut publications.

What is damaged is listed as that: one bad manifest hides no other environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from env_packaging.errors import (
    DamagedEnvironment,
    EnvironmentNotFoundError,
    PackagingError,
    UnsafeEnvironmentError,
)
from env_packaging.manifest import Manifest
from env_packaging.registry import (
    ARCHIVE_SUFFIX,
    MANIFEST_SUFFIX,
    Layout,
    check_word,
    read_text,
    resolve_alias,
    storage_errors,
)
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem

#: The end of the name of what is being written; no reader looks for it.
UPLOADING_SUFFIX = ".uploading"

_KEY = re.compile(r"[0-9a-f]{20}")


@dataclass(frozen=True)
class Stored:
    """One key of one environment: its files, as far as they are there.

    `manifest` is None where it can't be read, for the reason in `damage`. `modified_ms` is when
    the newest of its files was written: when it was published, or an alias last left it.
    `unread_aliases` are those of which nobody can tell whether they stand for it.
    """

    name: str
    key: str
    aliases: tuple[str, ...]
    unread_aliases: tuple[str, ...]
    archive: FileStatus | None
    manifest: Manifest | None
    damage: str
    modified_ms: int

    def __str__(self) -> str:
        return f"{self.name}@{self.key}"


@dataclass(frozen=True)
class Folder:
    """All of one environment's keys, its aliases with the key of each (empty for one that stands
    for nothing, None for one that can't be read or trusted), and the temporary files of
    publications that are under way or were cut off."""

    stored: tuple[Stored, ...]
    aliases: Mapping[str, str | None]
    temporaries: tuple[FileStatus, ...]


def read_folder(
    filesystem: FileSystem, env_root: str, name: str, only_key: str | None = None
) -> Folder:
    """Look at one environment, or at one key of it; raises StorageError. One that does not exist,
    or is others' alone, is empty."""
    layout = Layout(env_root, check_word("name", name))
    with storage_errors(f"list {layout.folder}"):
        try:
            files = [each for each in filesystem.list_dir(layout.folder) if not each.is_dir]
        except (FileNotFoundError, PermissionError):
            files = []
        by_name = {each.name: each for each in files if not each.name.startswith(".")}
        keys = [key for key in _keys(by_name) if only_key in (None, key)]
        aliases = {
            alias: _key_of(filesystem, layout, alias)
            for alias in by_name
            if not alias.endswith((ARCHIVE_SUFFIX, MANIFEST_SUFFIX))
        }
        stored = tuple(_stored(filesystem, layout, key, by_name, aliases) for key in keys)
    temporaries = tuple(each for each in files if each.name.endswith(UPLOADING_SUFFIX))
    return Folder(stored, aliases, temporaries)


def _keys(files: Iterable[str]) -> list[str]:
    stems = {
        name.removesuffix(suffix)
        for name in files
        for suffix in (ARCHIVE_SUFFIX, MANIFEST_SUFFIX)
        if name.endswith(suffix)
    }
    return sorted(stem for stem in stems if _KEY.fullmatch(stem))


def _key_of(filesystem: FileSystem, layout: Layout, alias: str) -> str | None:
    try:
        return resolve_alias(filesystem, layout, alias)
    except (DamagedEnvironment, EnvironmentNotFoundError):
        return ""
    except (ConnectionError, TimeoutError):
        raise  # then all that is listed would look damaged
    except (UnsafeEnvironmentError, OSError):
        return None


def _stored(
    filesystem: FileSystem,
    layout: Layout,
    key: str,
    files: Mapping[str, FileStatus],
    aliases: Mapping[str, str | None],
) -> Stored:
    archive, described = files.get(key + ARCHIVE_SUFFIX), files.get(key + MANIFEST_SUFFIX)
    manifest, damage = None, ""
    if described is None:
        damage = "its manifest is missing"
    else:
        try:
            manifest = Manifest.from_json(read_text(filesystem, described.path))
        except PackagingError as error:
            damage = str(error)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            damage = f"its manifest can't be read: {error.strerror or error}"
    if archive is None:
        damage = "its archive is missing"
    elif manifest is not None and archive.size != manifest.archive_bytes:
        damage = f"it has {archive.size} bytes, its manifest says {manifest.archive_bytes}"
    return Stored(
        layout.name,
        key,
        tuple(alias for alias, of in aliases.items() if of == key),
        tuple(alias for alias, of in aliases.items() if of is None),
        archive,
        manifest,
        damage,
        max(each.modified_ms for each in (archive, described) if each is not None),
    )


def as_json(stored: Stored) -> dict[str, object]:
    """Return what is known of one key, for a program; the packages are left to `envs show`."""
    manifest = json.loads(stored.manifest.to_json()) if stored.manifest else {}
    shown = ("python_version", "platform", "unpacked_bytes", "files", "created", "created_by")
    return {
        "name": stored.name,
        "key": stored.key,
        "aliases": list(stored.aliases),
        "archive_bytes": stored.archive.size if stored.archive else None,
        "modified_ms": stored.modified_ms,
        "damage": stored.damage,
        **{field: manifest.get(field) for field in shown},
    }
