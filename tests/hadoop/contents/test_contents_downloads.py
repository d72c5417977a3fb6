"""Parts of files, and files that the browser has already."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from tests.hadoop.contents.cut_off import READABLE
from tests.hadoop.contents.notebook_server import put
from tests.hadoop.contents.slow_close import GATE
from tests.unit.hdfs_contents.manager.models import text

CONTENT = "0123456789" * 300_000


@pytest.fixture
def path(server: httpx.Client) -> str:
    put(server, "large.txt", text(CONTENT))
    return "/files/large.txt"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-1500000", slice(5, 1_500_001)),
        ("bytes=2999990-", slice(2_999_990, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=2999990-9999999", slice(2_999_990, None)),
    ],
)
def test_a_part_of_a_file_is_sent(server: httpx.Client, path: str, asked: str, part: slice) -> None:
    answer = server.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.text) == (206, CONTENT[part])
    begin, end, size = part.indices(len(CONTENT))[0], part.indices(len(CONTENT))[1], len(CONTENT)
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
    assert server.head(path, headers={"Range": asked}).headers["content-length"] == str(end - begin)


def test_a_part_after_the_end_is_refused(server: httpx.Client, path: str) -> None:
    answer = server.get(path, headers={"Range": "bytes=3000000-"})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */3000000"


def test_what_no_file_can_have_is_asked_for_in_vain(server: httpx.Client, path: str) -> None:
    answer = server.get(path, headers={"Range": f"bytes=0-{'9' * 5000}"})
    assert (answer.status_code, answer.text) == (200, CONTENT)


def test_a_file_of_which_hdfs_shows_nothing_yet_is_not_sent_as_an_empty_one(
    server: httpx.Client, fs: FileSystem
) -> None:
    put(server, "closed.txt", text(""))
    (root,) = (
        directory.path
        for directory in fs.list_dir("/user/alice")
        if fs.exists(f"{directory.path}/closed.txt")
    )
    with fs.open_write(f"{root}/log.txt") as file:
        file.write(b"line 1\n")
        answer = server.get("/files/log.txt")
        assert (answer.status_code, "is writing it" in answer.text) == (409, True)
    assert server.get("/files/log.txt").content == b"line 1\n"
    assert server.get("/files/closed.txt").content == b""


def test_what_the_browser_has_is_not_sent_again(server: httpx.Client, path: str) -> None:
    first = server.get(path)
    assert (first.status_code, first.headers["accept-ranges"]) == (200, "bytes")
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (
        {"If-None-Match": first.headers["etag"]},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        again = server.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")


def test_after_a_change_all_of_the_new_file_is_sent(server: httpx.Client, path: str) -> None:
    first = server.get(path)
    put(server, "large.txt", text("new"))
    known = {"If-None-Match": first.headers["etag"], "If-Range": first.headers["etag"]}
    answer = server.get(path, headers={**known, "Range": "bytes=1000000-"})
    assert (answer.status_code, answer.text) == (200, "new")


def test_a_part_of_a_page_is_in_the_same_sandbox(server: httpx.Client) -> None:
    put(server, "page.svg", text("<svg><script>alert(1)</script></svg>"))
    answer = server.get("/files/page.svg", headers={"Range": "bytes=5-"})
    assert answer.status_code == 206
    assert "sandbox allow-scripts" in answer.headers["content-security-policy"]


def test_a_download_that_cannot_go_on_is_a_broken_connection_and_no_short_file(
    start_server: Callable[..., httpx.Client],
) -> None:
    server = start_server("tests.hadoop.contents.cut_off.CutOffManager")
    content = "x" * (3 * READABLE)
    put(server, "large.txt", text(content))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        server.get("/files/large.txt")
    assert server.get("/files/large.txt", headers={"Range": "bytes=-5"}).text == "x" * 5


def test_others_are_answered_while_a_file_is_being_closed(
    start_server: Callable[..., httpx.Client],
    wait_until: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    monkeypatch.setenv(GATE, str(gate))
    server = start_server("tests.hadoop.contents.slow_close.SlowCloseManager")
    put(server, "a.txt", text("all of it"))

    def opened() -> int | None:
        with suppress(OSError):  # nobody reads from it yet
            return os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
        return None

    with ThreadPoolExecutor(1) as other:
        download = other.submit(server.get, "/files/a.txt")
        closing = wait_until(opened, 30, "the file is being closed")
        try:
            answer = httpx.get(server.base_url.join("/api"), timeout=60, trust_env=False)
            assert answer.is_success
        finally:
            os.close(closing)
        assert download.result().text == "all of it"
