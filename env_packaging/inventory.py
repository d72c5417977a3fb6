"""The content of the registry: environments, aliases, and files of interrupted publications.

A damaged environment is listed with its damage, so that it does not hide the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from env_packaging.errors import (
    DamagedEnvironmentError,
    EnvironmentNotFoundError,
    PackagingError,
    UnsafeEnvironmentError,
)
from env_packaging.manifest import Manifest
from env_packaging.registry import (
    ARCHIVE_SUFFIX,
    MANIFEST_SUFFIX,
    UPLOADING_SUFFIX,
    Layout,
    check_name,
    is_key,
    read_text,
    resolve_alias,
    storage_errors,
)
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem


@dataclass(frozen=True)
class Stored:
    """One key of one environment, with those of its files that exist.

    `manifest` is None if it cannot be read, for the reason in `damage`. `modified_ms` is the time
    of the newest file: the publication, or the last time an alias moved away. `unread_aliases`
    could not be read or trusted, so they may point to this key.
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
    """The directory of one environment: its keys, aliases and temporary files.

    `aliases` maps each alias to its key: empty for an alias without a valid key, None for an alias
    that cannot be read or trusted. `temporaries` belong to publications that are running or were
    interrupted.
    """

    stored: tuple[Stored, ...]
    aliases: Mapping[str, str | None]
    temporaries: tuple[FileStatus, ...]


def read_folder(
    filesystem: FileSystem, env_root: str, name: str, only_key: str | None = None
) -> Folder:
    """List one environment, or one key of it.

    A directory that is missing or not readable counts as empty. Raises StorageError.
    """
    layout = Layout(env_root, check_name("name", name))
    with storage_errors(f"list {layout.directory}"):
        try:
            files = [entry for entry in filesystem.list_dir(layout.directory) if not entry.is_dir]
        except (FileNotFoundError, PermissionError):
            files = []
        by_name = {file.name: file for file in files if not file.name.startswith(".")}
        keys = [key for key in _keys(by_name) if only_key in (None, key)]
        aliases = {
            alias: _key_of(filesystem, layout, alias)
            for alias in by_name
            if not alias.endswith((ARCHIVE_SUFFIX, MANIFEST_SUFFIX))
        }
        stored = tuple(_stored(filesystem, layout, key, by_name, aliases) for key in keys)
    temporaries = tuple(file for file in files if file.name.endswith(UPLOADING_SUFFIX))
    return Folder(stored, aliases, temporaries)


def _keys(files: Iterable[str]) -> list[str]:
    stems = {
        name.removesuffix(suffix)
        for name in files
        for suffix in (ARCHIVE_SUFFIX, MANIFEST_SUFFIX)
        if name.endswith(suffix)
    }
    return sorted(filter(is_key, stems))


def _key_of(filesystem: FileSystem, layout: Layout, alias: str) -> str | None:
    try:
        return resolve_alias(filesystem, layout, alias)
    except (DamagedEnvironmentError, EnvironmentNotFoundError):
        return ""
    except (ConnectionError, TimeoutError):
        raise  # otherwise every environment would be listed as damaged
    except (UnsafeEnvironmentError, OSError):
        return None


def _stored(
    filesystem: FileSystem,
    layout: Layout,
    key: str,
    files: Mapping[str, FileStatus],
    aliases: Mapping[str, str | None],
) -> Stored:
    archive, manifest_file = files.get(key + ARCHIVE_SUFFIX), files.get(key + MANIFEST_SUFFIX)
    manifest, damage = None, ""
    if manifest_file is None:
        damage = "its manifest is missing"
    else:
        try:
            manifest = Manifest.from_json(read_text(filesystem, manifest_file.path))
        except PackagingError as error:
            damage = str(error)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            damage = f"its manifest cannot be read: {error.strerror or error}"
    if archive is None:
        damage = "its archive is missing"
    elif manifest is not None and archive.size != manifest.archive_bytes:
        damage = (
            f"its archive has {archive.size} bytes, but its manifest says {manifest.archive_bytes}"
        )
    return Stored(
        layout.name,
        key,
        tuple(alias for alias, target in aliases.items() if target == key),
        tuple(alias for alias, target in aliases.items() if target is None),
        archive,
        manifest,
        damage,
        max(file.modified_ms for file in (archive, manifest_file) if file is not None),
    )


def as_json(stored: Stored) -> dict[str, object]:
    """Return one key as a JSON object, without its packages (see `yarnhub envs show`)."""
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
