"""viewfs, other default file systems, and the HDFS that is named instead of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hadoop_client.configuration import HDFS_VARIABLE, Configuration, ConfigurationError
from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.hdfs.native_settings import IMPOSSIBLE_PATH, native_settings
from hadoop_client.mounts import MountTable, Place

TABLE = {
    "fs.defaultFS": "viewfs://cl",
    "fs.viewfs.mounttable.cl.link./user": "hdfs://ns1/user",
    "fs.viewfs.mounttable.cl.link./data/raw": " hdfs://ns2:9000/raw/ ",
    "fs.viewfs.mounttable.cl.link./data/raw/old": "hdfs://ns3",
    "fs.viewfs.mounttable.cl.link./bucket": "s3a://bucket/",
    "fs.viewfs.mounttable.other.link./user": "hdfs://elsewhere/user",
}
FALLBACK = {**TABLE, "fs.viewfs.mounttable.cl.linkFallback": "hdfs://ns1/view"}


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HDFS_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/user", Place("ns1", "/user")),
        ("/user/alice/a", Place("ns1", "/user/alice/a")),
        ("/data/raw/x", Place("ns2:9000", "/raw/x")),
        ("/data/raw/old", Place("ns3", "/")),
        ("/data/raw/old/x", Place("ns3", "/x")),
        ("/data/raw/older", Place("ns2:9000", "/raw/older")),
        ("/users", None),
        ("/data", None),
        ("/", None),
    ],
)
def test_the_longest_link_has_a_path(path: str, place: Place | None) -> None:
    assert MountTable.of(TABLE, "cl").place(path) == place
    behind = Place("ns1", f"/view{path}") if path != "/" else Place("ns1", "/view/")
    assert MountTable.of(FALLBACK, "cl").place(path) == (place or behind)


def test_directories_above_links_exist() -> None:
    table = MountTable.of(TABLE, "cl")
    assert table.children("/") == ["data", "user"]
    assert table.children("/data") == ["raw"]
    assert table.children("/data/raw/old") == []


def test_the_name_services_are_those_of_all_mounts() -> None:
    assert Configuration(FALLBACK).nameservices() == ["ns1", "ns2:9000", "ns3"]
    assert Configuration({}).nameservices("hdfs://ns1/x") == ["ns1"]
    assert Configuration({}).nameservices("s3a://bucket") == []


def test_hdfs_native_gets_a_fallback_that_leads_nowhere() -> None:
    settings = native_settings(Configuration(TABLE))
    fallback = settings["fs.viewfs.mounttable.cl.linkFallback"]
    assert fallback.endswith(IMPOSSIBLE_PATH)
    assert fallback.startswith(("hdfs://ns1:", "hdfs://ns2:", "hdfs://ns3:"))
    merged = native_settings(
        Configuration({"fs.viewfs.mounttable.cl.linkMergeSlash": "hdfs://ns1:1/"})
    )
    assert merged["fs.viewfs.mounttable.cl.linkFallback"] == "hdfs://ns1:1/"
    assert (
        native_settings(Configuration(FALLBACK))["fs.viewfs.mounttable.cl.linkFallback"]
        == "hdfs://ns1:8020/view"
    )


OTHERS = ("s3a://b", "gs://b", "abfs://c@a.dfs.core.windows.net", "obs://b", "oss://b", "ofs://o")


@pytest.mark.parametrize("url", [*OTHERS, "wasb://c@a", "file:///"])
def test_one_sentence_says_that_no_hdfs_is_named(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = Configuration({"fs.defaultFS": url})
    with pytest.raises(ConfigurationError) as raised:
        configuration.namenode_addresses()
    message = f"fs.defaultFS is {url!r} in the configuration, which is not an HDFS. Set "
    assert str(raised.value).startswith(message + "c.YarnSpawner.hdfs, and YARNHUB_HDFS for")
    write(tmp_path, {"fs.defaultFS": url})
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    with pytest.raises(OSError, match=r"which is not an HDFS\. Set c\.YarnSpawner\.hdfs"):
        open_filesystem()


@pytest.mark.parametrize("url", OTHERS)
def test_an_hdfs_can_be_named_beside_another_default_file_system(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HDFS_VARIABLE, "hdfs://ns1/")
    configuration = Configuration({"fs.defaultFS": url})
    assert configuration.hdfs == "hdfs://ns1"
    assert configuration.place("/user/alice") == Place("ns1", "/user/alice")
    assert configuration.namenode_addresses() == [("ns1", 8020)]


def test_a_wrong_name_of_an_hdfs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HDFS_VARIABLE, "s3a://bucket")
    with pytest.raises(ConfigurationError, match="YARNHUB_HDFS is 's3a://bucket', which is not"):
        _ = Configuration({"fs.defaultFS": "hdfs://ns1"}).hdfs


def test_a_path_without_a_mount_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"No mount of viewfs://cl in .* has /tmp: add"):
        Configuration(TABLE).place("/tmp")


def write(directory: Path, properties: Mapping[str, str]) -> None:
    body = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in properties.items()
    )
    (directory / "core-site.xml").write_text(f"<configuration>{body}</configuration>")
