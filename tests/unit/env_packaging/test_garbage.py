from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from env_packaging.errors import EnvironmentInUseError, StorageError
from env_packaging.garbage import delete, delete_temporary_files, find_garbage, refuse_used
from env_packaging.inventory import Stored, read_folder
from env_packaging.publish import set_alias
from env_packaging.registry import Pointer, Reference, names
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import write
from tests.unit.env_packaging.test_manifest import MANIFEST

ROOT = "/apps/envs"
FOLDER = f"{ROOT}/science"
NEW, OLD, USED = "a" * 20, "b" * 20, "c" * 20
NEVER_MS, ALWAYS_MS = 0, 1 << 60


@pytest.fixture
def registry(filesystem: LocalFileSystem) -> LocalFileSystem:
    """One environment with three keys, the alias `latest`, and a file of an interrupted upload."""
    for key in (NEW, OLD, USED):
        manifest = replace(MANIFEST, key=key, archive_bytes=7)
        write(filesystem.at(f"{FOLDER}/{key}.tar.gz"), "archive")
        write(filesystem.at(f"{FOLDER}/{key}.json"), manifest.to_json())
    write(filesystem.at(f"{FOLDER}/latest"), f'{{"key": "{NEW}"}}\n')
    write(filesystem.at(f"{FOLDER}/.{OLD}.tar.gz.01234567.uploading"), "half")
    return filesystem


def stored(registry: LocalFileSystem, key: str) -> Stored:
    return next(
        environment
        for environment in read_folder(registry, ROOT, "science").stored
        if environment.key == key
    )


def test_all_keys_are_listed_with_their_aliases(registry: LocalFileSystem) -> None:
    assert names(registry, ROOT) == ["science"]
    listed = read_folder(registry, ROOT, "science").stored
    assert [
        (environment.key, environment.aliases, environment.damage) for environment in listed
    ] == [
        (NEW, ("latest",), ""),
        (OLD, (), ""),
        (USED, (), ""),
    ]


def test_damaged_files_do_not_hide_other_keys(registry: LocalFileSystem) -> None:
    write(registry.at(f"{FOLDER}/{OLD}.json"), "nonsense")
    registry.delete(f"{FOLDER}/{USED}.json")
    write(registry.at(f"{FOLDER}/latest"), "nonsense")
    assert stored(registry, NEW).aliases == ()
    assert "manifest is damaged" in stored(registry, OLD).damage
    assert stored(registry, USED).damage == "its manifest is missing"


@pytest.mark.parametrize("name", [".Trash", "_archive", "a b", "é", "x" * 65])
def test_a_directory_with_an_invalid_name_is_ignored(name: str, registry: LocalFileSystem) -> None:
    registry.mkdirs(f"{ROOT}/{name}")
    assert names(registry, ROOT) == ["science"]


def failing(registry: LocalFileSystem, failures: dict[str, OSError]) -> LocalFileSystem:
    """The registry, in which reading these files fails."""

    def open_read(path: str):
        if path in failures:
            raise failures[path]
        return LocalFileSystem.open_read(registry, path)

    registry.open_read = open_read  # type: ignore[method-assign]
    return registry


DENIED = PermissionError(errno.EACCES, "permission denied")
GONE = FileNotFoundError(errno.ENOENT, "there is no such file or directory")
AWAY = TimeoutError(errno.ETIMEDOUT, "HDFS did not answer in time")


@pytest.mark.parametrize("error", [DENIED, GONE])
def test_a_directory_that_cannot_be_listed_counts_as_empty(
    error: OSError, registry: LocalFileSystem
) -> None:
    def list_dir(path: str):
        raise error

    registry.list_dir = list_dir  # type: ignore[method-assign]
    assert read_folder(registry, ROOT, "science").stored == ()


@pytest.mark.parametrize("error", [DENIED, GONE])
def test_an_unreadable_manifest_does_not_hide_other_keys(
    error: OSError, registry: LocalFileSystem
) -> None:
    failing(registry, {f"{FOLDER}/{OLD}.json": error})
    assert stored(registry, OLD).damage == f"its manifest cannot be read: {error.strerror}"
    assert stored(registry, NEW).damage == ""


@pytest.mark.parametrize(("mode", "failures"), [(0o600, {f"{FOLDER}/stable": DENIED}), (0o666, {})])
def test_an_alias_that_cannot_be_read_or_trusted_keeps_all_keys(
    mode: int, failures: dict[str, OSError], registry: LocalFileSystem
) -> None:
    write(registry.at(f"{FOLDER}/stable"), f'{{"key": "{OLD}"}}', mode)
    failing(registry, failures)
    assert stored(registry, NEW).aliases == ("latest",)
    garbage = find_garbage(read_folder(registry, ROOT, "science"), set(), ALWAYS_MS)
    assert garbage.stored == ()
    with pytest.raises(EnvironmentInUseError, match="the alias stable cannot be read or trusted"):
        refuse_used(stored(registry, OLD), set())


def test_an_alias_that_is_deleted_while_listing_points_to_nothing(
    registry: LocalFileSystem,
) -> None:
    failing(registry, {f"{FOLDER}/latest": GONE})
    assert (stored(registry, NEW).aliases, stored(registry, NEW).unread_aliases) == ((), ())


@pytest.mark.parametrize("file", ["latest", f"{OLD}.json"])
def test_a_timeout_of_hdfs_is_not_reported_as_damage(file: str, registry: LocalFileSystem) -> None:
    failing(registry, {f"{FOLDER}/{file}": AWAY})
    with pytest.raises(StorageError, match="HDFS did not answer in time"):
        read_folder(registry, ROOT, "science")


def test_only_unused_keys_are_garbage(registry: LocalFileSystem) -> None:
    garbage = find_garbage(read_folder(registry, ROOT, "science"), {USED}, ALWAYS_MS)
    assert [environment.key for environment in garbage.stored] == [OLD]
    assert [file.name for file in garbage.temporaries] == [f".{OLD}.tar.gz.01234567.uploading"]
    assert garbage.size_bytes == len("archive") + len("half")


def test_recent_files_are_not_garbage(registry: LocalFileSystem) -> None:
    garbage = find_garbage(read_folder(registry, ROOT, "science"), set(), NEVER_MS)
    assert (garbage.stored, garbage.temporaries) == ((), ())


def test_only_temporary_files_of_interrupted_uploads_are_deleted(registry: LocalFileSystem) -> None:
    before = registry.files()
    garbage = find_garbage(read_folder(registry, ROOT, "science"), {USED}, ALWAYS_MS)
    delete_temporary_files(registry, garbage)
    assert set(before) - set(registry.files()) == {f"{FOLDER}/.{OLD}.tar.gz.01234567.uploading"}


def test_a_key_that_an_alias_or_an_application_needs_is_not_removed(
    registry: LocalFileSystem,
) -> None:
    with pytest.raises(EnvironmentInUseError, match="the alias latest points to it"):
        refuse_used(stored(registry, NEW), set())
    with pytest.raises(EnvironmentInUseError, match=r"an application .* uses it"):
        refuse_used(stored(registry, USED), {USED})
    refuse_used(stored(registry, OLD), {USED})


def test_alias_manifest_and_archive_are_deleted_in_this_order(registry: LocalFileSystem) -> None:
    registry.calls.clear()
    assert delete(registry, ROOT, stored(registry, NEW))
    assert [call[:2] for call in registry.calls[:3]] == [
        ("delete", f"{FOLDER}/latest"),
        ("rename", f"{FOLDER}/{NEW}.json"),
        ("rename", f"{FOLDER}/{NEW}.tar.gz"),
    ]
    assert not [file for file in registry.files() if NEW in file]


@pytest.mark.parametrize("force", [False, True])
def test_a_key_that_gets_an_alias_while_it_is_deleted_is_kept(
    force: bool, registry: LocalFileSystem
) -> None:
    before = registry.files()

    def point_at_it(path: str) -> None:
        if path == f"{FOLDER}/{OLD}.json":
            write(registry.at(f"{FOLDER}/stable"), f'{{"key": "{OLD}"}}')

    registry.before["rename"] = point_at_it
    assert not delete(registry, ROOT, stored(registry, OLD), force=force)
    assert registry.files() == sorted([*before, f"{FOLDER}/stable"])


@pytest.mark.parametrize("call", ["rename", "list_dir"])
def test_a_key_is_put_back_when_hdfs_fails_while_it_is_deleted(
    call: str, registry: LocalFileSystem
) -> None:
    old = stored(registry, OLD)
    before = registry.files()
    real = getattr(registry, call)

    def fail_once(*arguments: object) -> object:
        if registry.exists(f"{FOLDER}/{OLD}.json"):
            return real(*arguments)
        setattr(registry, call, real)
        raise OSError(errno.EIO, "the NameNode is away")

    setattr(registry, call, fail_once)
    with pytest.raises(StorageError, match="the NameNode is away"):
        delete(registry, ROOT, old)
    assert registry.files() == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stable", f'{{"key": "{OLD}"}}'),
        (f"{OLD}.tar.gz", "another archive"),
        (f"{OLD}.json", replace(MANIFEST, key=OLD, created_by="another").to_json()),
    ],
    ids=["an alias of it", "its archive", "its manifest"],
)
def test_a_key_that_changed_since_it_was_listed_is_kept(
    name: str, text: str, registry: LocalFileSystem
) -> None:
    old = stored(registry, OLD)
    write(registry.at(f"{FOLDER}/{name}"), text)
    before = registry.files()
    assert not delete(registry, ROOT, old)
    assert registry.files() == before


def test_a_key_that_an_alias_left_since_it_was_listed_is_kept(registry: LocalFileSystem) -> None:
    set_alias(registry, ROOT, Reference("science"), Pointer(OLD))
    for suffix in (".json", ".tar.gz"):
        os.utime(registry.at(FOLDER + "/" + OLD + suffix), (1, 1))
    seen = replace(stored(registry, OLD), aliases=())  # as if listed while it was moved
    set_alias(registry, ROOT, Reference("science"), Pointer(NEW))
    assert not delete(registry, ROOT, seen)
    assert registry.exists(f"{FOLDER}/{OLD}.tar.gz")


def test_force_deletes_a_changed_key_but_no_alias_of_another_key(
    registry: LocalFileSystem,
) -> None:
    new = stored(registry, NEW)
    write(registry.at(f"{FOLDER}/latest"), f'{{"key": "{OLD}"}}')
    write(registry.at(f"{FOLDER}/stable"), f'{{"key": "{NEW}"}}')
    assert delete(registry, ROOT, new, force=True)
    assert read_folder(registry, ROOT, "science").aliases == {"latest": OLD}
    assert [environment.key for environment in read_folder(registry, ROOT, "science").stored] == [
        OLD,
        USED,
    ]


def test_a_key_can_be_removed_twice(registry: LocalFileSystem) -> None:
    old = stored(registry, OLD)
    assert delete(registry, ROOT, old)
    assert delete(registry, ROOT, old)
    assert not registry.exists(f"{FOLDER}/{OLD}.tar.gz")
