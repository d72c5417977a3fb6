"""Files that clients are writing, as a NameNode reports them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs import unclosed
from hadoop_client.hdfs.namenode import IsFileClosedRequest, IsFileClosedResponse
from hadoop_client.hdfs.unclosed import UnclosedFiles
from tests.unit.hadoop_client.rpc_server import REFUSED, Call, RpcServer

VIEWFS = "fs.viewfs.mounttable.all.link"


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")


def answer(call: Call) -> None:
    """Report that all files are closed but those whose path ends with `open`."""
    path = IsFileClosedRequest.decode(call.body).path
    if path.endswith("missing"):
        call.refuse("java.io.FileNotFoundException", "File does not exist")
    else:
        call.answer(IsFileClosedResponse(not path.endswith("open")))


def test_a_namenode_is_asked_on_one_connection() -> None:
    with RpcServer(answer) as server:
        host, port = server.address
        files = UnclosedFiles(Configuration({"fs.defaultFS": f"hdfs://{host}:{port}"}), None)
        assert files.contains("/a/open")
        assert not files.contains("/a/closed")
        assert server.connections == 1
        assert not files.contains("/a/missing")
        assert files.contains("/a/open")


def test_the_namenode_of_a_mount_is_asked_about_the_path_there() -> None:
    with RpcServer(answer) as server:
        host, port = server.address
        table = {f"{VIEWFS}./a": f"hdfs://{host}:{port}/open"}
        files = UnclosedFiles(Configuration({"fs.defaultFS": "viewfs://all", **table}), None)
        assert files.contains("/a")
        assert not files.contains("/a/b")
        assert not files.contains("/other/open")


def test_without_an_answer_no_file_is_being_written() -> None:
    host, port = REFUSED
    for configuration in ({}, {"fs.defaultFS": f"hdfs://{host}:{port}"}):
        assert not UnclosedFiles(Configuration(configuration), None).contains("/a/open")


def test_readers_do_not_wait_one_after_the_other_for_a_namenode_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unclosed, "_LOCK_SECONDS", 0.01, raising=False)
    asked, released = threading.Event(), threading.Event()

    def hang(call: Call) -> None:
        asked.set()
        released.wait(60)
        answer(call)

    with RpcServer(hang) as server, ThreadPoolExecutor(1) as readers:
        host, port = server.address
        files = UnclosedFiles(Configuration({"fs.defaultFS": f"hdfs://{host}:{port}"}), None)
        first = readers.submit(files.contains, "/a/open")
        try:
            assert asked.wait(60)
            assert not files.contains("/a/open")
            assert not first.done()
        finally:
            released.set()
