"""hdfs-native accepts any NameNode, so our own client authenticates the NameNodes before it."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs import namenode_check
from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.hdfs.namenode import GetFileInfoResponse
from hadoop_client.hdfs.namenode_check import check_namenodes
from hadoop_client.rpc.call import Address
from hadoop_client.rpc.connection import ResponseHeader, RpcStatus, SaslMessage, SaslState
from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.security.sasl import Offer
from hadoop_client.wire import delimited
from tests.unit.hadoop_client.handlers import standby
from tests.unit.hadoop_client.rpc_server import REFUSED, STANDBY, Call, RpcServer
from tests.unit.hadoop_client.test_identity import token_of

TOKEN = token_of("alice")
DENIED = "org.apache.hadoop.security.AccessControlException"
FATAL = ResponseHeader(-33, RpcStatus.FATAL, DENIED, "not yet logged in")


def frame(header: ResponseHeader, message: SaslMessage | None = None) -> bytes:
    packet = delimited(header.encode()) + (delimited(message.encode()) if message else b"")
    return len(packet).to_bytes(4, "big") + packet


def sasl(state: SaslState, *offers: Offer) -> bytes:
    return frame(ResponseHeader(-33), SaslMessage(state, None, offers))


#: What a server without any key may send, and a part of the reason for its refusal.
LIES: dict[str, tuple[bytes, str]] = {
    "SIMPLE": (sasl(SaslState.NEGOTIATE, Offer("SIMPLE", "")), "the server offers SIMPLE"),
    "early SUCCESS": (sasl(SaslState.SUCCESS), "the server sent SUCCESS unexpectedly"),
    "SUCCESS without proof": (
        sasl(SaslState.NEGOTIATE, Offer("TOKEN", "DIGEST-MD5", "", "default"))
        + sasl(SaslState.SUCCESS),
        "without proving its identity",
    ),
    "a fatal error": (frame(FATAL), "AccessControlException"),
    "an answer": (frame(ResponseHeader(0)), "another message during the login"),
    "an answer of another kind": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "longer than Hadoop allows"),
    "nothing": (b"", "the server closed the connection"),
}


@pytest.fixture
def lying() -> Iterator[Callable[[bytes], tuple[Address, list[bytes]]]]:
    """`lying(answer)`: start a server that sends this; return its address and what it receives."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(answer: bytes) -> tuple[Address, list[bytes]]:
        listener = socket.create_server(("127.0.0.1", 0))
        received: list[bytes] = []

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                with sock, suppress(OSError):
                    received.append(sock.recv(65536))
                    sock.sendall(answer)
                    sock.shutdown(socket.SHUT_WR)
                    while data := sock.recv(65536):
                        received.append(data)

        threads.append(threading.Thread(target=accept))
        threads[-1].start()
        listeners.append(listener)
        return listener.getsockname(), received

    yield serve
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()


Give = Callable[..., Token]


@pytest.fixture(autouse=True)
def give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Give:
    """`give(address)`: give this process a token for the NameNode there, and return it."""
    monkeypatch.setattr(namenode_check, "_checked", set())
    monkeypatch.delenv("HADOOP_TOKEN_FILE_LOCATION", raising=False)

    def write(*services: str, token: Token = TOKEN) -> Token:
        tokens = {service: replace(token, service=service) for service in services}
        (tmp_path / "tokens").write_bytes(Credentials(tokens).to_bytes())
        monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", str(tmp_path / "tokens"))
        return token

    return write


def site(*addresses: Address, **more: str) -> Configuration:
    """A cluster with Kerberos and these NameNodes: the name service `prod` if there are several."""
    names = [f"{host}:{port}" for host, port in addresses]
    properties = {
        "hadoop.security.authentication": "kerberos",
        "fs.defaultFS": f"hdfs://{names[0] if len(names) == 1 else 'prod'}",
        "dfs.nameservices": "prod",
        "dfs.ha.namenodes.prod": ",".join(f"nn{index}" for index in range(len(names))),
    }
    for index, name in enumerate(names):
        properties[f"dfs.namenode.rpc-address.prod.nn{index}"] = name
    return Configuration(properties | {key.replace("_", "."): value for key, value in more.items()})


def name(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def present(call: Call) -> None:
    call.answer(GetFileInfoResponse())


@pytest.mark.parametrize("lie", LIES)
def test_a_namenode_without_the_tokens_secret_is_refused(lie: str, lying, give: Give) -> None:
    answer, reason = LIES[lie]
    address, received = lying(answer)
    give(name(address))
    with pytest.raises(PermissionError, match=f"authentication failed at 127.*{reason}") as caught:
        check_namenodes(site(address), None)
    assert caught.value.errno == errno.EACCES
    assert not any(b"getFileInfo" in data for data in received)


@pytest.mark.parametrize("lie", LIES)
def test_one_false_namenode_of_two_is_refused(lie: str, lying, give: Give) -> None:
    give("ha-hdfs:prod")
    address, _ = lying(LIES[lie][0])
    with RpcServer(present, token=TOKEN) as server:
        for pair in ((address, server.address), (server.address, address)):
            with pytest.raises(PermissionError, match="authentication failed at 127"):
                check_namenodes(site(*pair), None)


def test_hdfs_native_sends_nothing_to_a_false_namenode(
    lying, give: Give, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, received = lying(LIES["SIMPLE"][0])
    give(name(address))
    (tmp_path / "core-site.xml").write_text(
        "<configuration><property><name>hadoop.security.authentication</name>"
        "<value>kerberos</value></property></configuration>"
    )
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    filesystem = open_filesystem(f"hdfs://{name(address)}")
    for _ in range(2):  # a failed check is repeated
        with pytest.raises(PermissionError, match="the server offers SIMPLE"):
            filesystem.stat("/user/alice")
    assert len(received) == 2  # the greetings of our own client
    assert not any(b"alice" in data for data in received)


@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth-conf"])
def test_a_namenode_that_knows_the_tokens_secret_is_checked_once(qop: str, give: Give) -> None:
    with RpcServer(present, token=TOKEN, qop=qop) as server:
        give(name(server.address))
        for _ in range(3):
            check_namenodes(site(server.address), None)
        assert server.connections == 1
        check_namenodes(site(REFUSED), f"hdfs://{name(server.address)}/user")
        assert server.connections == 1


@pytest.mark.parametrize(
    ("protection", "qop", "accepted"),
    [
        ("privacy", "auth-conf", True),
        ("privacy", "auth-int", False),
        ("privacy", "auth", False),
        ("integrity", "auth", False),
        ("integrity", "auth-conf", True),
        ("authentication", "auth-conf", True),
        ("privacy,authentication", "auth", True),
    ],
)
def test_a_weaker_protection_than_the_configured_one_is_refused(
    protection: str, qop: str, accepted: bool, give: Give
) -> None:
    with RpcServer(present, token=TOKEN, qop=qop) as server:
        give(name(server.address))
        configuration = site(server.address, hadoop_rpc_protection=protection)
        if accepted:
            check_namenodes(configuration, None)
        else:
            with pytest.raises(PermissionError, match="no common protection"):
                check_namenodes(configuration, None)


def test_a_namenode_in_standby_or_out_of_reach_is_passed_over(give: Give) -> None:
    give("ha-hdfs:prod")
    with RpcServer(standby, token=TOKEN) as first, RpcServer(present, token=TOKEN) as second:
        check_namenodes(site(first.address, second.address), None)
        assert (first.connections, second.connections) == (1, 1)
        check_namenodes(site(REFUSED, second.address), None)


def test_a_standby_that_refuses_the_token_is_passed_over(lying, give: Give) -> None:
    give("ha-hdfs:prod")
    refusal = ResponseHeader(-33, RpcStatus.FATAL, STANDBY, "not supported in state standby")
    standby_address, _ = lying(
        sasl(SaslState.NEGOTIATE, Offer("TOKEN", "DIGEST-MD5", "", "default")) + frame(refusal)
    )
    with RpcServer(present, token=TOKEN) as active:
        check_namenodes(site(standby_address, active.address), None)
        check_namenodes(site(active.address, standby_address), None)
    with pytest.raises(ConnectionRefusedError, match="HDFS has no active NameNode"):
        check_namenodes(site(standby_address, standby_address), None)


def test_without_any_namenode_the_next_call_checks_again(give: Give) -> None:
    give("ha-hdfs:prod")
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError, match="HDFS cannot be reached: it refuses"):
            check_namenodes(site(REFUSED, REFUSED), None)


def test_a_silent_namenode_is_a_timeout(give: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namenode_check, "LOGIN_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        give(name(silent.getsockname()))
        with pytest.raises(TimeoutError, match="did not answer within"):
            check_namenodes(site(silent.getsockname()), None)


@pytest.mark.parametrize("max_date", [1, None])
def test_without_a_token_the_principal_must_be_configured(
    max_date: int | None, lying, give: Give
) -> None:
    pytest.importorskip("gssapi")
    address, _ = lying(b"")
    if max_date is not None:
        give(name(address), token=token_of("alice", max_date=max_date))
    with pytest.raises(PermissionError, match="HDFS authentication failed: ") as caught:
        check_namenodes(site(address), None)
    assert ("no valid Kerberos ticket" in str(caught.value)) is (max_date is not None)


def test_a_token_of_another_service_is_not_used(lying, give: Give) -> None:
    address, received = lying(b"")
    give("other:8020", "ha-hdfs:other")
    with pytest.raises(PermissionError, match="no valid Kerberos ticket or delegation token"):
        check_namenodes(site(address), None)
    assert not received


def test_the_namenodes_of_each_mount_of_viewfs_are_checked(lying, give: Give) -> None:
    address, _ = lying(LIES["SIMPLE"][0])
    give(name(address))
    configuration = Configuration(
        {
            "hadoop.security.authentication": "kerberos",
            "fs.defaultFS": "viewfs://view",
            "fs.viewfs.mounttable.view.link./user": f"hdfs://{name(address)}/user",
        }
    )
    with pytest.raises(PermissionError, match="the server offers SIMPLE"):
        check_namenodes(configuration, None)


def test_without_kerberos_nothing_is_checked() -> None:
    check_namenodes(Configuration({"fs.defaultFS": f"hdfs://{name(REFUSED)}"}), None)
