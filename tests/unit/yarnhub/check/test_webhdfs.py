"""`yarnhub check webhdfs` claims a name at the NameNodes that the configuration names."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hadoop_client.configuration import Configuration
from yarnhub.check import webhdfs
from yarnhub.check.results import Verdict
from yarnhub.check.webhdfs import CLAIMED, accepts_any_name, check_webhdfs, namenode_urls

ONE = {"fs.defaultFS": "hdfs://nn.example.com:8020"}
PAIR = {
    "fs.defaultFS": "hdfs://cluster",
    "dfs.nameservices": "cluster",
    "dfs.ha.namenodes.cluster": "a,b",
    "dfs.namenode.rpc-address.cluster.a": "a.example.com:8020",
    "dfs.namenode.rpc-address.cluster.b": "b.example.com:8020",
}

VIEW = {
    "fs.defaultFS": "viewfs://all",
    "fs.viewfs.mounttable.all.link./user": "hdfs://cluster/user",
    "fs.viewfs.mounttable.all.link./data": "hdfs://nn.example.com:8020/data",
}


@pytest.mark.parametrize(
    ("properties", "urls"),
    [
        (ONE, ["http://nn.example.com:9870"]),
        (ONE | {"dfs.http.policy": "HTTPS_ONLY"}, ["https://nn.example.com:9871"]),
        (ONE | {"dfs.namenode.http-address": "0.0.0.0:50070"}, ["http://nn.example.com:50070"]),
        (ONE | {"dfs.namenode.http-address": "web:81"}, ["http://web:81"]),
        (PAIR, ["http://a.example.com:9870", "http://b.example.com:9870"]),
        (
            ONE
            | {"fs.defaultFS": "hdfs://named", "dfs.nameservices": "named"}
            | {"dfs.namenode.rpc-address.named": "a.example.com:8020"}
            | {"dfs.namenode.http-address.named": "a.example.com:50070"},
            ["http://a.example.com:50070"],
        ),
        (
            PAIR | VIEW,
            [
                "http://a.example.com:9870",
                "http://b.example.com:9870",
                "http://nn.example.com:9870",
            ],
        ),
        (
            PAIR | {"dfs.namenode.http-address.cluster.b": "web:81"},
            ["http://a.example.com:9870", "http://web:81"],
        ),
    ],
)
def test_the_web_addresses_are_those_of_the_configuration(
    properties: dict[str, str], urls: list[str]
) -> None:
    assert sorted(namenode_urls(Configuration(properties))) == urls


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine time to answer."""
    monkeypatch.setattr(webhdfs, "TIMEOUT_SECONDS", 60.0)


@contextmanager
def namenode(status: int, body: bytes) -> Iterator[str]:
    """A web server that gives one answer, in place of a NameNode; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "accepted"),
    [
        (200, f'{{"Path":"/user/{CLAIMED}"}}'.encode(), True),
        (200, b'{"Path":"/user/jupyterhub"}', False),
        (200, b'["/user"]', False),
        (200, b'{"Path":7}', False),
        (401, b"", False),
        (403, b"", False),
        (302, b"", None),
        (200, b"<html>", None),
        (200, b" " * (70 << 10), None),
    ],
)
def test_only_the_home_of_the_claimed_name_shows_that_it_was_accepted(
    status: int, body: bytes, accepted: bool | None
) -> None:
    with namenode(status, body) as address:
        assert accepts_any_name(f"http://{address}") is accepted


def test_a_namenode_that_accepts_any_name_beside_kerberos_is_a_warning() -> None:
    with namenode(200, f'{{"Path":"/user/{CLAIMED}"}}'.encode()) as address:
        secure = {"hadoop.security.authentication": "kerberos"}
        where = {"dfs.namenode.http-address": address}
        (result,) = check_webhdfs(Configuration(ONE | secure | where))
        (skipped,) = check_webhdfs(Configuration(ONE | where))
    assert result.verdict is Verdict.WARNING
    assert f"WebHDFS at http://{address} accepts any user name" in result.why
    assert "hadoop.http.authentication.type" in result.remedy
    assert skipped.verdict is Verdict.SKIPPED


def test_a_namenode_that_does_not_answer_is_not_judged() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        where = {"dfs.namenode.http-address": f"127.0.0.1:{port}"}
        secure = {"hadoop.security.authentication": "kerberos"}
        (result,) = check_webhdfs(Configuration(ONE | secure | where))
    assert result.verdict is Verdict.SKIPPED
    assert "no usable answer" in result.why
