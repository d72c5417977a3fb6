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
    """One environment with three keys, the alias `latest`, and the rest of a cut upload."""
    for key in (NEW, OLD, USED):
        manifest = replace(MANIFEST, key=key, archive_bytes=7)
        write(filesystem.at(f"{FOLDER}/{key}.tar.gz"), "archive")
        write(filesystem.at(f"{FOLDER}/{key}.json"), manifest.to_json())
    write(filesystem.at(f"{FOLDER}/latest"), f'{{"key": "{NEW}"}}\n')
    write(filesystem.at(f"{FOLDER}/.{OLD}.tar.gz.01234567.uploading"), "half")
    return filesystem


def stored(registry: LocalFileSystem, key: str) -> Stored:
    return next(each for each in read_folder(registry, ROOT, "science").stored if each.key == key)


def test_all_keys_are_listed_with_their_aliases(registry: LocalFileSystem) -> None:
    assert names(registry, ROOT) == ["science"]
    listed = read_folder(registry, ROOT, "science").stored
    assert [(each.key, each.aliases, each.damage) for each in listed] == [
        (NEW, ("latest",), ""),
        (OLD, (), ""),
        (USED, (), ""),
    ]


def test_what_is_damaged_hides_nothing_else(registry: LocalFileSystem) -> None:
    write(registry.at(f"{FOLDER}/{OLD}.json"), "nonsense")
    registry.delete(f"{FOLDER}/{USED}.json")
    write(registry.at(f"{FOLDER}/latest"), "nonsense")
    assert stored(registry, NEW).aliases == ()
    assert "manifest is damaged" in stored(registry, OLD).damage
    assert stored(registry, USED).damage == "its manifest is missing"


@pytest.mark.parametrize("name", [".Trash", "_archive", "a b", "é", "x" * 65])
def test_a_folder_whose_name_is_no_environment_s_is_passed_over(
    name: str, registry: LocalFileSystem
) -> None:
    registry.mkdirs(f"{ROOT}/{name}")
    assert names(registry, ROOT) == ["science"]


def failing(registry: LocalFileSystem, failures: dict[str, OSError]) -> LocalFileSystem:
    """The same registry, whose files fail to be read as is said."""

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
def test_a_folder_that_can_not_be_listed_is_an_empty_one(
    error: OSError, registry: LocalFileSystem
) -> None:
    def list_dir(path: str):
        raise error

    registry.list_dir = list_dir  # type: ignore[method-assign]
    assert read_folder(registry, ROOT, "science").stored == ()


@pytest.mark.parametrize("error", [DENIED, GONE])
def test_a_manifest_that_can_not_be_read_hides_nothing_else(
    error: OSError, registry: LocalFileSystem
) -> None:
    failing(registry, {f"{FOLDER}/{OLD}.json": error})
    assert stored(registry, OLD).damage == f"its manifest cannot be read: {error.strerror}"
    assert stored(registry, NEW).damage == ""


@pytest.mark.parametrize(("mode", "failures"), [(0o600, {f"{FOLDER}/stable": DENIED}), (0o666, {})])
def test_what_an_alias_may_stand_for_that_can_not_be_read_or_trusted_is_kept(
    mode: int, failures: dict[str, OSError], registry: LocalFileSystem
) -> None:
    write(registry.at(f"{FOLDER}/stable"), f'{{"key": "{OLD}"}}', mode)
    failing(registry, failures)
    assert stored(registry, NEW).aliases == ("latest",)
    garbage = find_garbage(read_folder(registry, ROOT, "science"), set(), ALWAYS_MS)
    assert garbage.stored == ()
    with pytest.raises(EnvironmentInUseError, match="the alias stable cannot be read or trusted"):
        refuse_used(stored(registry, OLD), set())


def test_an_alias_that_was_deleted_meanwhile_stands_for_nothing(registry: LocalFileSystem) -> None:
    failing(registry, {f"{FOLDER}/latest": GONE})
    assert (stored(registry, NEW).aliases, stored(registry, NEW).unread_aliases) == ((), ())


@pytest.mark.parametrize("file", ["latest", f"{OLD}.json"])
def test_an_hdfs_that_does_not_answer_is_no_damage(file: str, registry: LocalFileSystem) -> None:
    failing(registry, {f"{FOLDER}/{file}": AWAY})
    with pytest.raises(StorageError, match="HDFS did not answer in time"):
        read_folder(registry, ROOT, "science")


def test_only_what_nobody_needs_is_garbage(registry: LocalFileSystem) -> None:
    garbage = find_garbage(read_folder(registry, ROOT, "science"), {USED}, ALWAYS_MS)
    assert [each.key for each in garbage.stored] == [OLD]
    assert [each.name for each in garbage.temporaries] == [f".{OLD}.tar.gz.01234567.uploading"]
    assert garbage.size_bytes == len("archive") + len("half")


def test_what_is_young_is_no_garbage(registry: LocalFileSystem) -> None:
    garbage = find_garbage(read_folder(registry, ROOT, "science"), set(), NEVER_MS)
    assert (garbage.stored, garbage.temporaries) == ((), ())


def test_sweeping_takes_the_rests_of_cut_uploads_only(registry: LocalFileSystem) -> None:
    before = registry.files()
    garbage = find_garbage(read_folder(registry, ROOT, "science"), {USED}, ALWAYS_MS)
    delete_temporary_files(registry, garbage)
    assert set(before) - set(registry.files()) == {f"{FOLDER}/.{OLD}.tar.gz.01234567.uploading"}


def test_what_an_alias_or_an_application_needs_is_not_removed(registry: LocalFileSystem) -> None:
    with pytest.raises(EnvironmentInUseError, match="the alias latest points to it"):
        refuse_used(stored(registry, NEW), set())
    with pytest.raises(EnvironmentInUseError, match=r"an application .* uses it"):
        refuse_used(stored(registry, USED), {USED})
    refuse_used(stored(registry, OLD), {USED})


def test_nobody_finds_half_of_what_is_being_removed(registry: LocalFileSystem) -> None:
    registry.calls.clear()
    assert delete(registry, ROOT, stored(registry, NEW))
    assert registry.calls == [
        ("delete", f"{FOLDER}/latest"),
        ("delete", f"{FOLDER}/{NEW}.json"),
        ("delete", f"{FOLDER}/{NEW}.tar.gz"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stable", f'{{"key": "{OLD}"}}'),
        (f"{OLD}.tar.gz", "another archive"),
        (f"{OLD}.json", replace(MANIFEST, key=OLD, created_by="another").to_json()),
    ],
    ids=["an alias of it", "its archive", "its manifest"],
)
def test_what_was_changed_since_it_was_looked_at_stays(
    name: str, text: str, registry: LocalFileSystem
) -> None:
    old = stored(registry, OLD)
    write(registry.at(f"{FOLDER}/{name}"), text)
    before = registry.files()
    assert not delete(registry, ROOT, old)
    assert registry.files() == before


def test_what_an_alias_has_left_since_it_was_looked_at_stays(registry: LocalFileSystem) -> None:
    set_alias(registry, ROOT, Reference("science"), Pointer(OLD))
    for suffix in (".json", ".tar.gz"):
        os.utime(registry.at(FOLDER + "/" + OLD + suffix), (1, 1))
    seen = replace(stored(registry, OLD), aliases=())  # as by who looked while it was moved
    set_alias(registry, ROOT, Reference("science"), Pointer(NEW))
    assert not delete(registry, ROOT, seen)
    assert registry.exists(f"{FOLDER}/{OLD}.tar.gz")


def test_by_force_goes_what_has_changed_but_no_alias_that_stands_for_another(
    registry: LocalFileSystem,
) -> None:
    new = stored(registry, NEW)
    write(registry.at(f"{FOLDER}/latest"), f'{{"key": "{OLD}"}}')
    write(registry.at(f"{FOLDER}/stable"), f'{{"key": "{NEW}"}}')
    assert delete(registry, ROOT, new, force=True)
    assert read_folder(registry, ROOT, "science").aliases == {"latest": OLD}
    assert [each.key for each in read_folder(registry, ROOT, "science").stored] == [OLD, USED]


def test_two_may_remove_the_same(registry: LocalFileSystem) -> None:
    old = stored(registry, OLD)
    assert delete(registry, ROOT, old)
    assert delete(registry, ROOT, old)
    assert not registry.exists(f"{FOLDER}/{OLD}.tar.gz")
