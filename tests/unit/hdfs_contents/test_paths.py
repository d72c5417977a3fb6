"""API paths and HDFS paths: none leads out of the root or is read as another name."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdfs_contents import paths

ROOT = "/user/alice/notebooks"

names = st.text(
    st.characters(exclude_characters="/\\:\0", exclude_categories=["Cs"]), min_size=1
).filter(lambda name: name not in (".", "..") and "%" not in name)


@given(st.text())
def test_any_path_is_below_the_root_or_refused(path: str) -> None:
    try:
        hdfs_path = paths.to_hdfs(ROOT, path)
    except paths.InvalidPathError:
        return
    assert hdfs_path == ROOT or hdfs_path.startswith(ROOT + "/")
    assert posixpath.normpath(hdfs_path) == hdfs_path


@given(st.lists(names, min_size=1))
def test_a_path_of_ordinary_names_is_the_same_path_below_the_root(parts: list[str]) -> None:
    path = "/".join(parts)
    assert paths.to_hdfs(ROOT, f"/{path}/") == f"{ROOT}/{path}"
    assert paths.to_hdfs("/", path) == f"/{path}"


@pytest.mark.parametrize("path", ["", "/", "//"])
def test_the_empty_path_is_the_root(path: str) -> None:
    assert paths.to_hdfs(ROOT, path) == ROOT


@pytest.mark.parametrize(
    "path", ["..", "a/../../b", "../alice2/x", "a/..", "./a", "%2e%2e", "a/%2E%2e/b", "%2e"]
)
def test_a_path_that_leads_out_is_outside_the_root(path: str) -> None:
    with pytest.raises(paths.OutsideRootError):
        paths.to_hdfs(ROOT, path)


@pytest.mark.parametrize(
    "path", ["a//b", "a\0b", "a\\b", "..\\..\\b", "hdfs://other/x", "a:b", "lone \udc80 surrogate"]
)
def test_a_name_that_hdfs_or_others_read_differently_is_refused(path: str) -> None:
    with pytest.raises(paths.InvalidPathError):
        paths.to_hdfs(ROOT, path)


@pytest.mark.parametrize(
    ("root", "normal"),
    [("/", "/"), ("/user/alice/", "/user/alice"), ("//user//alice", "/user/alice")],
)
def test_a_root_is_written_as_hdfs_writes_it(root: str, normal: str) -> None:
    assert paths.normalize_root(root) == normal


@pytest.mark.parametrize("root", ["", "notebooks", "hdfs://nn/user/alice", "/user/../alice"])
def test_a_root_that_is_not_an_absolute_path_is_refused(root: str) -> None:
    with pytest.raises(paths.InvalidPathError):
        paths.normalize_root(root)


def test_what_is_wrong_in_a_root_is_named() -> None:
    with pytest.raises(paths.InvalidPathError, match=r"^'/user/../alice' contains '..'$"):
        paths.normalize_root("/user/../alice")


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("", False),
        ("a.ipynb", False),
        ("a/b.c/d", False),
        (".a", True),
        ("/.a/", True),
        ("a/.b/c", True),
        ("a/b/.c", True),
    ],
)
def test_a_path_is_hidden_when_one_of_its_names_begins_with_a_dot(path: str, hidden: bool) -> None:
    assert paths.is_hidden(path) is hidden
