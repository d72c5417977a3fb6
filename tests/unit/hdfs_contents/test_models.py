"""Models, and the content types of downloads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import format_timestamp

from hadoop_client.hdfs.filesystem import FileStatus
from hdfs_contents import models, ranges
from hdfs_contents.files_handler import content_type


def status(**changes: object) -> FileStatus:
    values = {
        "path": "/user/alice/a",
        "is_dir": False,
        "size": 1,
        "modified_ms": 0,
        "mode": 0o644,
        "owner": "alice",
        "group": "alice",
    }
    return FileStatus(**{**values, **changes})


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_file_with_any_time_has_a_model(milliseconds: int) -> None:
    """The NameNode accepts any time that a user sets."""
    what = status(modified_ms=milliseconds)
    changed = models.base_model(what, "a", type="file", writable=True)["last_modified"]
    assert format_timestamp(changed) == ranges.last_modified(what)  # what the handlers answer


@pytest.mark.parametrize(
    ("path", "is_dir", "type", "mimetype"),
    [
        ("d/a.ipynb", False, "notebook", None),
        ("d/a.txt", False, "file", "text/plain"),
        ("d/a", False, "file", None),
        ("d/a.ipynb", True, "directory", None),
    ],
)
def test_the_type_comes_from_the_name(
    path: str, is_dir: bool, type: str, mimetype: str | None
) -> None:
    what = status(is_dir=is_dir)
    assert models.model_type(what, path) == type
    model = models.base_model(what, path, type=type, writable=True)
    assert (model["name"], model["path"], model["mimetype"]) == (path[2:], path, mimetype)
    assert model["size"] == (None if is_dir else 1)


@pytest.mark.parametrize(
    ("mode", "user", "writable"),
    [
        (0o644, "alice", True),
        (0o444, "alice", False),
        (0o077, "alice", False),
        (0o644, "bob", False),
        (0o664, "bob", True),
        (0o646, "bob", True),
    ],
)
def test_a_listed_file_seems_writable_by_its_mode(mode: int, user: str, writable: bool) -> None:
    assert models.seems_writable(status(mode=mode), user) is writable


@pytest.mark.parametrize(
    ("name", "beginning", "type"),
    [
        ("a.ipynb", b"{}", "application/x-ipynb+json"),
        ("A.IPYNB", b"{}", "application/x-ipynb+json"),
        ("a.txt", b"\xff", "text/plain; charset=UTF-8"),
        ("a.html", b"", "text/html"),
        ("a.tar.gz", b"", "application/gzip"),
        ("a.tar.bz2", b"", "application/octet-stream"),
        ("a.svgz", b"", "application/gzip"),
        ("Makefile", b"all:\n", "text/plain; charset=UTF-8"),
        ("blob", b"\xff\x00", "application/octet-stream"),
        ("cut", "ä".encode()[:1], "text/plain; charset=UTF-8"),
        ("empty", b"", "text/plain; charset=UTF-8"),
    ],
)
def test_a_download_has_the_type_of_its_name_or_its_beginning(
    name: str, beginning: bytes, type: str
) -> None:
    assert content_type(name, beginning) == type
