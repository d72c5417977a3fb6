"""A NameNode that is away, hangs, or was started again: what calls do then, and after it.

For hdfs-native and for libhdfs, as in test_filesystem.py.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, Kind, open_filesystem
from hadoop_client.hdfs.libhdfs import LibhdfsFileSystem
from hadoop_client.hdfs.native import NativeFileSystem
from yarnhub.minihadoop import MiniHadoop


def test_nobody_answers_at_an_address_without_a_namenode(fs: FileSystem, kind: Kind) -> None:
    nobody = open_filesystem("hdfs://localhost:1", kind)
    for call in (nobody.stat, nobody.open_read, nobody.open_write):
        with pytest.raises(ConnectionError, match="refuses connections"):
            call("/a")


@pytest.mark.parametrize("url", ["s3://bucket", "nonsense", "hdfs://no-such-service"])
def test_an_address_that_is_none_is_refused_before_any_call(
    url: str, fs: FileSystem, kind: Kind
) -> None:
    with pytest.raises(OSError, match=r"not an HDFS address|no NameNode of that name") as raised:
        open_filesystem(url, kind)
    assert raised.value.errno == errno.EINVAL


def test_a_namenode_that_hangs_holds_no_call_and_is_used_again_when_it_answers(
    fs: FileSystem,
    kind: Kind,
    root: str,
    write: Callable[..., str],
    hadoop: MiniHadoop,
    wait_until: Callable[..., Any],
) -> None:
    path = write("a", b"1")
    chosen = {"native": NativeFileSystem, "libhdfs": LibhdfsFileSystem}[kind]
    impatient = chosen(None, 1.5)
    wait_until(lambda: answers(impatient, path), 30, "it is connected")
    hadoop.namenode.suspend()
    try:
        for call in (impatient.stat, impatient.open_read, impatient.open_write):
            with pytest.raises(TimeoutError, match=r"did not answer within 1\.5 seconds"):
                call(path)
    finally:
        hadoop.namenode.resume()
    wait_until(lambda: answers(impatient, path), 30, "the NameNode answers again")


@pytest.mark.parametrize("kind", ["native", pytest.param("libhdfs", marks=pytest.mark.heavy)])
def test_a_namenode_that_was_started_again_is_used_again(
    fs: FileSystem,
    write: Callable[..., str],
    hadoop: MiniHadoop,
    wait_until: Callable[..., Any],
) -> None:
    path = write("a", b"1")
    for number in range(2):  # who has not noticed that it was away has a connection that is dead
        hadoop.namenode.kill()
        hadoop.namenode.start()
        hadoop.wait_ready()
        with fs.open_write(f"{path}{number}") as file:
            file.write(b"2")
    hadoop.namenode.kill()
    with pytest.raises((ConnectionError, TimeoutError)):
        fs.open_read(path)
    hadoop.namenode.start()
    hadoop.wait_ready()
    wait_until(lambda: answers(fs, path), 30, "the NameNode answers again")
    for number in range(2):
        with fs.open_read(f"{path}{number}") as reader:
            assert reader.read() == b"2"


def answers(fs: FileSystem, path: str) -> bool:
    try:
        with fs.open_read(path) as reader:
            return bool(reader.read())
    except (TimeoutError, ConnectionError):
        return False
