from __future__ import annotations

import sys
from pathlib import Path

import pytest

from yarnspawner.failures import ClusterUnavailableError, OptionsError
from yarnspawner.launch.localized_files import MOST_LOCAL_BYTES, local_files, parse, remote_files

HDFS = "hdfs://nn.example:8020"


def test_the_retired_spawners_way_to_ship_an_environment_is_understood():
    (wanted,) = parse(
        {"environment": {"source": "hdfs:///envs/example.tar.gz", "visibility": "public"}}, HDFS
    )
    assert wanted.source == "hdfs://nn.example:8020/envs/example.tar.gz"
    assert (wanted.link, wanted.archive, wanted.public, wanted.local) == (
        "environment",
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("value", "archive"),
    [
        ("hdfs://other/a.zip", True),
        ("hdfs://other/a.txt", False),
        ({"source": "hdfs://other/a.zip", "type": "FILE"}, False),
        ({"source": "hdfs://other/a.bin", "type": "archive"}, True),
    ],
)
def test_an_archive_is_told_by_its_name_unless_its_type_is_said(value, archive):
    assert parse({"a": value}, HDFS)[0].archive is archive


@pytest.mark.parametrize(
    ("link", "value", "said"),
    [
        ("a", 1, "needs a source"),
        ("a", {}, "needs a source"),
        ("a", {"source": 1}, "needs a source"),
        ("a", {"source": "/x", "mode": "0600"}, "unknown field 'mode'"),
        ("../a", "/x", "must be a plain file name"),
        ("..", "/x", "must be a plain file name"),
        ("a/b", "/x", "must be a plain file name"),
        ("a b", "/x", "must be a plain file name"),
        ("", "/x", "must be a plain file name"),
    ],
)
def test_what_is_wrong_is_named(link, value, said):
    with pytest.raises(OptionsError, match=said):
        parse({link: value}, HDFS)


def test_small_files_of_the_edge_node_are_read(tmp_path: Path):
    file = tmp_path / "hello.txt"
    file.write_bytes(b"hello")
    wanted = parse({"one": str(file), "two": f"file://{file}", "three": "hdfs://x/y"}, HDFS)
    assert local_files(wanted) == {"one": b"hello", "two": b"hello"}


def test_what_is_too_large_for_a_launch_is_refused_with_a_way_out(tmp_path: Path):
    file = tmp_path / "large.bin"
    file.write_bytes(b"x" * (MOST_LOCAL_BYTES + 1))
    with pytest.raises(OptionsError, match="hdfs dfs -put"):
        local_files(parse({"a": str(file)}, HDFS))
    with pytest.raises(OptionsError, match="hdfs dfs -put"):
        local_files(parse({"a": str(tmp_path / "env.tar.gz")}, HDFS))
    with pytest.raises(OptionsError, match="No such file"):
        local_files(parse({"a": str(tmp_path / "missing")}, HDFS))


def test_what_is_huge_is_not_read_to_be_refused(tmp_path: Path):
    file = tmp_path / "huge.bin"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 42)
    with pytest.raises(OptionsError, match="larger than 64 KiB"):
        local_files(parse({"a": str(file)}, HDFS))


async def test_what_is_in_no_hdfs_is_named():
    with pytest.raises(OptionsError, match=r"not an HDFS address .s3a://bucket/a\.txt"):
        await remote_files(parse({"a": "s3a://bucket/a.txt"}, HDFS))


async def test_a_hub_without_its_hdfs_client_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "hadoop_client.hdfs.native", raising=False)
    monkeypatch.delitem(sys.modules, "hadoop_client.hdfs.libhdfs", raising=False)
    monkeypatch.setitem(sys.modules, "hdfs_native", None)
    with pytest.raises(ClusterUnavailableError, match=r"administrator to install yarnhub\[hub\]"):
        await remote_files(parse({"a": "hdfs://nn.example/a.txt"}, HDFS))


def test_a_path_in_hdfs_is_never_one_of_the_edge_node():
    with pytest.raises(OptionsError, match="the cluster's HDFS, of which JupyterHub knows none"):
        parse({"a": "hdfs:///etc/passwd"}, "")
    assert parse({"a": "hdfs://ns1/etc/passwd"}, "")[0].source == "hdfs://ns1/etc/passwd"
