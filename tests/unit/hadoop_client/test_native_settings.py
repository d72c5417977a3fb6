"""hdfs-native connects where our own client does, whatever form the site files have."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs.native import NativeFileSystem
from hadoop_client.hdfs.native_settings import native_settings, native_url

#: One attempt on each NameNode.
ONCE = {
    "dfs.client.failover.max.attempts": "1",
    "dfs.client.failover.sleep.base.millis": "1",
    "dfs.client.failover.sleep.max.millis": "1",
}
ROOT = '<configuration xmlns:xi="http://www.w3.org/2001/XInclude">{}</configuration>'


@contextmanager
def listening() -> Iterator[tuple[int, threading.Event]]:
    """Listen on a port; the event is set by a connection before its peer sees it closed."""
    seen = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    seen.set()
                    connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], seen
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def connects(directory: Path, url: str | None = None) -> None:
    """Let hdfs-native connect with the configuration of a directory."""
    variables = {"HADOOP_CONF_DIR": str(directory), "NAMENODE_HOST": "127.0.0.1"}
    with patch.dict(os.environ, variables), suppress(OSError):
        NativeFileSystem(url, 60, ONCE).stat("/")


#: The ways to write a property.
FORMS = (
    "<property><name>{name}</name><value>{value}</value></property>",
    "<property><name>\n {name} </name><value> {value}\n</value></property>",
    "<property><value><![CDATA[{value}]]></value><name>{name}</name></property>",
    '<property name="{name}" value="{value}"/>',
    "<property><name>{name}</name><value>{value}</value><final>true</final></property>"
    "<property><name>{name}</name><value>hdfs://127.0.0.1:1</value></property>",
    "<configuration><property><name>{name}</name><value>{value}</value></property></configuration>",
)
#: The ways to write an address.
VALUES = (
    "hdfs://127.0.0.1:{port}",
    "hdfs://127.0.0.1:{port}/",
    "hdfs://${{nn.host}}:{port}",
    "hdfs://${{env.NAMENODE_HOST}}:{port}",
    "hdfs://${{env.NO_SUCH_VARIABLE:-127.0.0.1}}:{port}",
    "hdfs://ns1",
    "hdfs://single",
)
#: The ways to bring a file's text into core-site.xml.
PLACES = ("inline", "include", "include by URL", "fallback", "latin-1")


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(FORMS),
    st.sampled_from(VALUES),
    st.sampled_from(("fs.defaultFS", "fs.default.name")),
    st.sampled_from(PLACES),
    st.sampled_from(("nn1,nn2", " nn1 , nn2 ", "nn1,\n nn2")),
)
def test_both_clients_use_the_same_namenode(
    form: str, value: str, name: str, place: str, ids: str
) -> None:
    with TemporaryDirectory() as folder, listening() as (port, seen):
        written = form.format(name=name, value=value.format(port=port))
        others = {
            "nn.host": "127.0.0.1",
            "dfs.nameservices": " ns1 , single ",
            "dfs.ha.namenodes.ns1": ids,
            "dfs.namenode.rpc-address.ns1.nn1": "127.0.0.1:1",
            "dfs.namenode.rpc-address.ns1.nn2": f" 127.0.0.1:{port} ",
            "dfs.namenode.rpc-address.single": f"127.0.0.1:{port}",
        }
        write(Path(folder), place, written, others)
        connects(Path(folder))
        with patch.dict(os.environ, NAMENODE_HOST="127.0.0.1"):
            assert ("127.0.0.1", port) in Configuration.load(folder).namenode_addresses()
        assert seen.is_set()


def write(folder: Path, place: str, written: str, others: dict[str, str]) -> None:
    """Write core-site.xml with `written` at a place, and hdfs-site.xml with the `others`."""
    included = folder / "the included.xml"
    if place.startswith("include"):
        included.write_text(ROOT.format(written))
        href = included.as_uri() if place == "include by URL" else included.name
        written = f'<xi:include href="{href}"/>'
    elif place == "fallback":
        written = f'<xi:include href="none.xml"><xi:fallback>{written}</xi:fallback></xi:include>'
    text = ROOT.format(f"<!-- für -->{written}")
    encoding = "iso-8859-1" if place == "latin-1" else "utf-8"
    document = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
    (folder / "core-site.xml").write_text(document, encoding=encoding)
    plain = "".join(FORMS[0].format(name=name, value=value) for name, value in others.items())
    (folder / "hdfs-site.xml").write_text(ROOT.format(plain))


@pytest.mark.parametrize("variable", ["HADOOP_CONF_DIR", "HADOOP_HOME"])
def test_hdfs_native_reads_no_site_file_itself(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    directory = tmp_path / ("etc/hadoop" if variable == "HADOOP_HOME" else "")
    directory.mkdir(parents=True, exist_ok=True)
    with listening() as (port, seen):
        (directory / "core-site.xml").write_text(
            ROOT.format(FORMS[0].format(name="fs.defaultFS", value=f"hdfs://127.0.0.1:{port}"))
        )
        monkeypatch.setenv(variable, str(tmp_path))
        monkeypatch.setattr(Configuration, "find", lambda: None)
        with pytest.raises(OSError, match=r"does not set fs\.defaultFS"):
            NativeFileSystem(None, 10, ONCE).stat("/")
        assert not seen.is_set()


def test_an_address_without_a_port_gets_hadoops_default() -> None:
    configuration = Configuration(
        {
            "fs.defaultFS": "hdfs://nn.example.org",
            "fs.viewfs.mounttable.c.link./user": "hdfs://other/user",
            "dfs.ha.namenodes.ns1": "a",
            "dfs.namenode.rpc-address.ns1.a": "[::1]",
        }
    )
    settings = native_settings(configuration)
    assert settings["fs.defaultFS"] == "hdfs://nn.example.org:8020"
    assert settings["fs.viewfs.mounttable.c.link./user"] == "hdfs://other:8020/user"
    assert settings["dfs.namenode.rpc-address.ns1.a"] == "[::1]:8020"
    assert native_url(configuration, "hdfs://ns1/path") == "hdfs://ns1/path"
    assert native_url(configuration, "hdfs://[::1]") == "hdfs://[::1]:8020"


def test_a_name_that_nobody_knows_is_refused_and_a_name_service_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host of a configured NameNode may be unknown for a while."""
    properties = {
        "dfs.nameservices": "Archive",
        "dfs.namenode.rpc-address.Archive": "nowhere.invalid:8020",
    }
    write(tmp_path, "inline", FORMS[0].format(name="fs.defaultFS", value="hdfs://nn:1"), properties)
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    NativeFileSystem("hdfs://Archive", 10)
    with pytest.raises(OSError, match="no NameNode of that name, and no host") as raised:
        NativeFileSystem("hdfs://nowhere.invalid", 10)
    assert raised.value.errno == errno.EINVAL


def test_a_name_service_without_addresses_matters_only_when_it_is_used() -> None:
    configuration = Configuration({"fs.defaultFS": "hdfs://nn:1", "dfs.ha.namenodes.away": "a,b"})
    assert native_settings(configuration)["fs.defaultFS"] == "hdfs://nn:1"


def test_settings_that_hdfs_native_compares_literally() -> None:
    settings = native_settings(
        Configuration(
            {
                "hadoop.security.authentication": " SIMPLE ",
                "dfs.client.use.datanode.hostname": " true ",
            }
        )
    )
    assert settings["hadoop.security.authentication"] == "simple"
    assert settings["dfs.client.use.datanode.hostname"] == "true"
