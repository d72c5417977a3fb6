from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.unit.container.ipv6 import ipv6_socket
from yarnspawner.container.payload import Launch
from yarnspawner.container.server import (
    bind,
    is_answering,
    is_listening,
    place_files,
    server_environment,
    start_server,
)


def launch(**environment: str) -> Launch:
    return Launch(["jupyter-labhub"], environment, [("127.0.0.1", 8030)])


def test_a_port_of_the_range_is_bound_and_nobody_else_gets_it():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with bind("127.0.0.1", (port, port)) as held:
        assert held.getsockname()[1] == port
        with pytest.raises(OSError, match=f"no port of {port}-{port}"):
            bind("127.0.0.1", (port, port))
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                thief.bind(("127.0.0.1", port))


@pytest.mark.parametrize("ip", ["", "0.0.0.0", "127.0.0.1"])
def test_nobody_else_gets_the_port_over_ipv6(ip: str):
    with bind(ip, None) as held:
        port = held.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            ipv6_socket(port)
        held.listen()
        with pytest.raises(OSError, match="in use"):
            ipv6_socket(port)
        assert not is_answering("::1", port)  # so clients go on to IPv4
    ipv6_socket(port).close()


def test_a_server_keeps_the_port_over_ipv6_without_its_application_master(tmp_path: Path):
    held = bind("0.0.0.0", None)
    port = held.getsockname()[1]
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    server = start_server(Launch([], {}, [], script="exec sleep 300"), "", environment, held)
    try:
        held.close()
        with pytest.raises(OSError, match="in use"):
            ipv6_socket(port)
    finally:
        server.kill()
        server.wait()
    ipv6_socket(port).close()


def test_a_port_that_is_taken_over_ipv6_is_passed_over():
    with bind("127.0.0.1", None) as free:
        port = free.getsockname()[1]
    with ipv6_socket(port):
        with pytest.raises(OSError, match=f"no port of {port}-{port}"):
            bind("0.0.0.0", (port, port))
        with bind("0.0.0.0", (port, min(port + 50, 65535))) as held:
            assert held.getsockname()[1] > port


def refuse_ipv6(monkeypatch: pytest.MonkeyPatch, number: int, times: int = 10**6) -> None:
    """Let IPv6 sockets be bound only after so many failures with that error number."""

    class Refusing(socket.socket):
        def bind(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            nonlocal times
            if times:
                times -= 1
                raise OSError(number, os.strerror(number))
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Refusing)


def test_any_port_is_tried_again_if_it_is_taken_over_ipv6(monkeypatch: pytest.MonkeyPatch):
    refuse_ipv6(monkeypatch, errno.EADDRINUSE, times=3)
    with bind("0.0.0.0", None) as held:
        assert len(held.descriptors) == 2
    refuse_ipv6(monkeypatch, errno.EADDRINUSE)
    with pytest.raises(OSError, match="no port is free"):
        bind("0.0.0.0", None)


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_node_without_ipv6_starts_servers(monkeypatch: pytest.MonkeyPatch, number: int):
    refuse_ipv6(monkeypatch, number)
    with bind("0.0.0.0", None) as held:
        assert held.getsockname()[1]


def test_a_node_whose_kernel_has_no_ipv6_starts_servers(monkeypatch: pytest.MonkeyPatch):
    def no_socket(*arguments: int) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    monkeypatch.setattr(socket, "socket", no_socket)
    with bind("0.0.0.0", None) as held:
        assert held.descriptors == [held.fileno()]


def test_an_address_that_the_node_does_not_have_is_told_as_that():
    with pytest.raises(OSError, match="assign requested address"):
        bind("192.0.2.1", None)


def test_a_taken_port_is_passed_over():
    with bind("127.0.0.1", None) as taken:
        port = taken.getsockname()[1]
        last = min(port + 50, 65535)
        with bind("127.0.0.1", (port, last)) as held:
            assert port < held.getsockname()[1] <= last


def test_a_held_socket_tells_when_anybody_listens_on_it():
    with bind("127.0.0.1", None) as held:
        assert not is_listening(held)
        child = os.fork()
        if child == 0:
            held.listen()
            os._exit(0)
        os.waitpid(child, 0)
        assert is_listening(held)


def test_the_service_url_gets_the_port_that_was_bound():
    url = "http://0.0.0.0:0/user/alice/"
    environment = server_environment(launch(JUPYTERHUB_SERVICE_URL=url), {}, 4711)
    assert environment["JUPYTERHUB_SERVICE_URL"] == "http://0.0.0.0:4711/user/alice/"


def test_the_launch_wins_over_what_yarn_gives():
    base = {"A": "yarn", "B": "yarn", "PATH": "/usr/bin"}
    environment = server_environment(launch(A="launch"), base, 1)
    assert (environment["A"], environment["B"]) == ("launch", "yarn")
    folder = str(Path(sys.executable).parent)
    assert environment["PATH"] == f"{folder}:/usr/bin"


def test_home_is_a_folder_of_the_container_unless_the_admin_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert server_environment(launch(), {"HOME": "/home/"}, 1)["HOME"] == str(tmp_path / "home")
    assert server_environment(launch(HOME="/data"), {}, 1)["HOME"] == "/data"


def with_configuration(**environment: str) -> Launch:
    return Launch(["x"], environment, [], files={"hadoop_conf/core-site.xml": b"<configuration/>"})


@pytest.mark.parametrize("exists", [False, True])
def test_a_node_without_a_readable_hadoop_configuration_gets_the_hubs(
    exists, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    private = tmp_path / "etc/hadoop"
    if exists:  # a directory in place of the file cannot be read, not even by root
        (private / "core-site.xml").mkdir(parents=True)
    for base in {"HADOOP_CONF_DIR": str(private)}, {"HADOOP_HOME": str(tmp_path)}:
        environment = server_environment(with_configuration(), base, 1)
        assert environment["HADOOP_CONF_DIR"] == str(tmp_path / "hadoop_conf")
        reason = "Is a directory" if exists else "No such file or directory"
        assert f"{private}/core-site.xml: {reason}." in capfd.readouterr().err


def test_a_node_with_a_readable_hadoop_configuration_keeps_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "core-site.xml").write_text("<configuration/>")
    base = {"HADOOP_CONF_DIR": str(tmp_path)}
    assert server_environment(with_configuration(), base, 1)["HADOOP_CONF_DIR"] == str(tmp_path)
    chosen = with_configuration(HADOOP_CONF_DIR=str(tmp_path))
    away = {"HADOOP_CONF_DIR": "/nonexistent"}
    assert server_environment(chosen, away, 1)["HADOOP_CONF_DIR"] == str(tmp_path)


def test_the_files_of_a_launch_are_its_users_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place_files({"internal-ssl/key.pem": b"secret", "small.txt": b"hello"})
    key = tmp_path / "internal-ssl" / "key.pem"
    assert key.read_bytes() == b"secret"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "small.txt").read_bytes() == b"hello"


def test_a_file_is_never_written_through_what_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "small.txt").symlink_to("theirs")
    with pytest.raises(FileExistsError):
        place_files({"small.txt": b"ours"})
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_variables_may_name_what_is_in_the_containers_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launch = Launch(["x"], {}, [], paths={"KEYFILE": "internal-ssl/key.pem"})
    environment = server_environment(launch, {}, 1)
    assert environment["KEYFILE"] == str(tmp_path / "internal-ssl" / "key.pem")


@pytest.mark.parametrize("path", ["/etc/cron.d/x", "../x", "a/../../x"])
def test_files_go_nowhere_but_into_the_containers_folder(path):
    with pytest.raises(ValueError, match="within the container's directory"):
        Launch(["x"], {}, [], files={path: b""})


def test_a_program_that_opens_the_port_itself_is_seen_wherever_it_listens():
    with bind("", None) as program:
        port = program.getsockname()[1]
        assert not is_answering("", port)
        program.listen()
        assert is_answering("", port)
        assert is_answering("127.0.0.1", port)


def test_a_socket_that_is_connected_to_itself_is_no_answer(monkeypatch: pytest.MonkeyPatch):
    """The system gives it the very port, now and then, that nobody listens on."""

    def to_itself(address: tuple[str, int], timeout: float) -> socket.socket:
        sock = socket.socket()
        sock.bind(address)
        sock.connect(address)
        return sock

    monkeypatch.setattr(socket, "create_connection", to_itself)
    with bind("127.0.0.1", None) as program:
        port = program.getsockname()[1]
    assert not is_answering("127.0.0.1", port)
