"""Paths in HDFS, and the hidden names of temporary files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs import paths

ROOT = "/user/alice/notebooks"

names = st.text(
    st.characters(exclude_characters="/\\:\0", exclude_categories=["Cs"]), min_size=1
).filter(lambda name: name not in (".", "..") and "%" not in name)


@pytest.mark.parametrize(
    ("path", "parent"),
    [("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a/b", "a"), ("a", ""), ("", "")],
)
def test_the_parent_of_a_path(path: str, parent: str) -> None:
    assert paths.parent(path) == parent


@given(names)
def test_a_temporary_is_new_hidden_recognisable_and_in_the_same_directory(name: str) -> None:
    target = f"{ROOT}/{name}"
    first, second = paths.temporary_beside(target), paths.temporary_beside(target)
    assert first != second
    assert paths.parent(first) == ROOT
    assert first.rsplit("/", 1)[-1].startswith(".")
    assert paths.is_temporary(first.rsplit("/", 1)[-1])


def test_the_lock_of_a_file_has_the_same_name_for_all() -> None:
    first = paths.lock_path("/d/a")
    assert first == paths.lock_path("/d/a") != paths.lock_path("/d/b")
    assert paths.parent(first) == "/d"
    assert first.rsplit("/", 1)[-1].startswith(".")


def test_a_file_being_written_differs_from_one_being_deleted() -> None:
    writing, replacing, deleting = (
        make("/d/a").rsplit("/", 1)[-1]
        for make in (paths.temporary_beside, paths.lock_path, paths.quarantine_path)
    )
    assert all(map(paths.is_temporary, (writing, replacing, deleting)))
    assert [paths.is_unfinished(name) for name in (writing, replacing, deleting)] == [1, 1, 0]


@pytest.mark.parametrize("name", ["a", ".a.tmp", ".saving-a", ".saving-1-xyz.tmp", ".ipynb"])
def test_no_other_name_is_taken_for_a_temporary(name: str) -> None:
    assert not paths.is_temporary(name)
