"""A DataNode that has died, and that HDFS still takes for alive: what is written and read then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from tests.hadoop.hdfs_files import read as content
from yarnhub.minihadoop import MiniHadoop

pytestmark = pytest.mark.heavy  # starts a DataNode again

Hdfs = Callable[..., str]


def test_small_files_are_written_and_get_all_replicas(
    fs: FileSystem, root: str, names: Callable[[], list[str]], hdfs: Hdfs, dead_datanode: None
) -> None:
    expected = {f"file{number}": b"%d" % number * 1000 for number in range(20)}
    for name, data in expected.items():
        with fs.open_write(f"{root}/{name}", 0o640) as file:
            file.write(data[:500])
            file.write(data[500:])
    assert {name: content(fs, f"{root}/{name}") for name in names()} == expected
    assert {fs.stat(f"{root}/{name}").mode for name in names()} == {0o640}
    assert set(hdfs("dfs", "-stat", "%r", f"{root}/*").split()) == {"3"}


def test_large_files_are_written_and_read(
    fs: FileSystem, root: str, hdfs: Hdfs, dead_datanode: None
) -> None:
    chunk = bytes(range(256)) * 4096
    for number in range(3):
        with fs.open_write(f"{root}/{number}") as file:
            for _ in range(40):
                file.write(chunk)
        assert content(fs, f"{root}/{number}") == chunk * 40


def test_a_file_that_could_not_be_appended_to_is_read_again_once_it_is_recovered(
    fs: FileSystem,
    root: str,
    request: pytest.FixtureRequest,
    wait_until: Callable[..., object],
) -> None:
    with fs.open_write(f"{root}/log") as file:
        file.write(b"old")
    request.getfixturevalue("dead_datanode")
    with suppress(OSError), fs.open_append(f"{root}/log") as file:
        file.write(b"new")

    def is_read() -> bool:
        fs.recover(f"{root}/log")
        return content(fs, f"{root}/log")[:3] == b"old"

    # HDFS may leave it to the dead DataNode at first.
    wait_until(is_read, 60, "HDFS has closed it")


# libhdfs waits for it for 60 seconds, which is longer than the deadline of a call.
@pytest.mark.parametrize("kind", ["native"])
def test_a_file_is_written_and_read_while_a_datanode_hangs(
    fs: FileSystem, root: str, hadoop: MiniHadoop
) -> None:
    with fs.open_write(f"{root}/old") as file:
        file.write(b"old")
    hadoop.datanodes[0].suspend()
    try:
        for _ in range(3):  # from any DataNode
            assert content(fs, f"{root}/old") == b"old"
        with fs.open_write(f"{root}/new") as file:
            file.write(b"new")
        assert content(fs, f"{root}/new") == b"new"
    finally:
        hadoop.datanodes[0].resume()
