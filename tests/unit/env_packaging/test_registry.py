from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env_packaging.errors import (
    EnvironmentNotFoundError,
    ReferenceFormatError,
    StorageError,
    UnsafeEnvironmentError,
)
from env_packaging.registry import Reference, check_alias, parse_reference, resolve
from hadoop_client.hdfs.filesystem import FileStatus
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import write
from tests.unit.env_packaging.test_manifest import MANIFEST

ROOT = "/apps/envs"
KEY = "0123456789abcdef0123"
FOLDER = f"{ROOT}/science"


@pytest.fixture
def published(filesystem: LocalFileSystem) -> LocalFileSystem:
    """One environment, `science`, with one key and its alias `latest`."""
    manifest = replace(MANIFEST, key=KEY, archive_bytes=7)
    write(filesystem.at(f"{FOLDER}/{KEY}.tar.gz"), "archive")
    write(filesystem.at(f"{FOLDER}/{KEY}.json"), manifest.to_json())
    write(filesystem.at(f"{FOLDER}/latest"), f'{{"key": "{KEY}"}}\n')
    return filesystem


@pytest.mark.parametrize("reference", ["science", "science:latest", f"science@{KEY}"])
def test_an_environment_is_found_by_name_alias_and_key(
    reference: str, published: LocalFileSystem
) -> None:
    found = resolve(published, ROOT, reference)
    status = published.stat(f"{FOLDER}/{KEY}.tar.gz")
    assert (found.name, found.key, found.path) == ("science", KEY, f"{FOLDER}/{KEY}.tar.gz")
    assert (found.size_bytes, found.modification_time_ms) == (7, status.modified_ms)
    assert found.public
    assert found.python_version == "3.11.7"


def test_an_unknown_name_is_reported_with_the_known_ones(published: LocalFileSystem) -> None:
    published.mkdirs(f"{ROOT}/teaching")
    with pytest.raises(
        EnvironmentNotFoundError, match=r"no environment 'sciense'.* science, teaching\."
    ):
        resolve(published, ROOT, "sciense")


def test_an_empty_registry_is_reported_with_a_remedy(filesystem: LocalFileSystem) -> None:
    with pytest.raises(
        EnvironmentNotFoundError,
        match=r"The directory has no environment yet: publish one with yarnhub pack-env",
    ):
        resolve(filesystem, ROOT, "science")


def test_a_path_in_a_namenodes_answer_is_not_used(
    published: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node would follow the path to the archive of another user."""
    honest = published.stat

    def lying(path: str) -> FileStatus:
        return honest(path)._replace(path=f"{path}/../../../../user/mallory/evil.tar.gz")

    monkeypatch.setattr(published, "stat", lying)
    assert resolve(published, ROOT, "science").path == f"{FOLDER}/{KEY}.tar.gz"


@pytest.mark.parametrize("reference", ["science:stable", "science@" + "f" * 20])
def test_an_unknown_alias_or_key_is_reported_with_the_known_ones(
    reference: str, published: LocalFileSystem
) -> None:
    with pytest.raises(
        EnvironmentNotFoundError, match=f"has no {reference}\\. .* latest\\. .* {KEY}"
    ):
        resolve(published, ROOT, reference)


def test_an_alias_of_a_missing_key_is_reported(published: LocalFileSystem) -> None:
    write(published.at(f"{FOLDER}/stable"), '{"key": "ffffffffffffffffffff"}')
    with pytest.raises(
        EnvironmentNotFoundError, match=r"science:stable is incomplete: .* Pack it again"
    ):
        resolve(published, ROOT, "science:stable")


@pytest.mark.parametrize(
    "text",
    ["", "key", "[" * 100_000, "[]", '{"key": 1}', '{"key": "../../etc/passwd"}', '{"key": ""}'],
)
def test_an_alias_without_a_key_is_refused(text: str, published: LocalFileSystem) -> None:
    write(published.at(f"{FOLDER}/latest"), text)
    with pytest.raises(UnsafeEnvironmentError, match="latest does not contain a key"):
        resolve(published, ROOT, "science")


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/apps", ROOT, FOLDER),
        *(f"{FOLDER}/latest", f"{FOLDER}/{KEY}.json", f"{FOLDER}/{KEY}.tar.gz"),
    ],
)
def test_world_writable_files_are_refused_with_the_command_that_fixes_them(
    path: str, published: LocalFileSystem
) -> None:
    published.at(path).chmod(0o777)
    with pytest.raises(UnsafeEnvironmentError, match=f"hdfs dfs -chmod o-w {path}$"):
        resolve(published, ROOT, "science")


def test_the_sticky_bit_is_enough_above_the_registry_and_not_in_it(
    published: LocalFileSystem,
) -> None:
    published.at("/apps").chmod(0o1777)
    assert resolve(published, ROOT, "science").public
    published.at(ROOT).chmod(0o1777)
    with pytest.raises(UnsafeEnvironmentError, match=f"hdfs dfs -chmod o-w {ROOT}$"):
        resolve(published, ROOT, "science")


def test_an_archive_of_another_size_than_its_manifest_says_is_refused(
    published: LocalFileSystem,
) -> None:
    write(published.at(f"{FOLDER}/{KEY}.tar.gz"), "replaced")
    with pytest.raises(UnsafeEnvironmentError, match="has 8 bytes, but its manifest says 7"):
        resolve(published, ROOT, "science")


@pytest.mark.parametrize("name", ["latest", f"{KEY}.json"])
def test_an_oversized_alias_or_manifest_is_not_read_into_memory(
    name: str, published: LocalFileSystem
) -> None:
    with published.at(f"{FOLDER}/{name}").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UnsafeEnvironmentError, match=f"{name} has more than 16 MB"):
        resolve(published, ROOT, "science")


@pytest.mark.parametrize(("path", "mode"), [(f"{FOLDER}/{KEY}.tar.gz", 0o640), ("/apps", 0o750)])
def test_an_environment_that_not_every_user_can_read_is_not_public(
    path: str, mode: int, published: LocalFileSystem
) -> None:
    published.at(path).chmod(mode)
    assert not resolve(published, ROOT, "science").public


def test_a_timeout_is_reported(published: LocalFileSystem) -> None:
    def refuse(path: str) -> None:
        raise TimeoutError(110, "HDFS did not answer in time")

    published.stat = refuse  # type: ignore[assignment,method-assign]
    message = "Could not look up the environment science: HDFS did not answer in time"
    with pytest.raises(StorageError, match=message):
        resolve(published, ROOT, "science")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", Reference("a", "latest")),
        ("a:b.c", Reference("a", "b.c")),
        (f"a@{KEY}", Reference("a", key=KEY)),
    ],
)
def test_references_have_three_forms(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@given(st.text("aZ9._-:@/ \n\0é", max_size=70))
def test_no_reference_leads_out_of_its_directory(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ReferenceFormatError:
        return
    for word in (reference.name, reference.alias, reference.key or "x"):
        assert word.strip(".")
        assert not set(word) & set("/ \n\0:@")
        assert len(word) <= 64


@pytest.mark.parametrize(
    "text", ["", "..", "a/b", "-rf", "a b", "a:", ":a", "a@", "a@latest", "a:b:c", "a\n", "é"]
)
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(ReferenceFormatError):
        parse_reference(text)


@pytest.mark.parametrize("alias", ["x.json", "x.tar.gz", ".hidden", ""])
def test_an_alias_cannot_have_the_name_of_another_file(alias: str) -> None:
    with pytest.raises(ReferenceFormatError):
        check_alias(alias)
