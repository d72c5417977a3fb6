"""The ports of an embedded Hadoop."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from yarnhub.minihadoop.errors import ConflictError, SettingsError
from yarnhub.minihadoop.ports import BLOCK, held_ports, kept_free, reserved_ports, taken_port


def test_chosen_ports_are_free_and_below_the_ephemeral_range():
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with reserved_ports(None, datanodes=3, nodemanagers=2) as ports:
        addresses = ports.all(datanodes=3, nodemanagers=2)
        assert taken_port(addresses) is None
        assert all(port < ephemeral for _, port in addresses)


def test_clusters_that_start_in_parallel_get_different_ports():
    with (
        reserved_ports(None, datanodes=1, nodemanagers=1) as first,
        reserved_ports(None, datanodes=1, nodemanagers=1) as second,
    ):
        assert abs(first.base - second.base) >= BLOCK


def test_programs_that_start_in_parallel_get_different_ports(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("yarnhub.minihadoop.ports.random.shuffle", lambda blocks: None)
    with (
        reserved_ports(None, datanodes=1, nodemanagers=1) as cluster,
        held_ports(3) as first,
        held_ports(3) as second,
    ):
        of_cluster = range(cluster.base, cluster.base + BLOCK)
        assert len({*of_cluster, *first, *second}) == BLOCK + 3 + 3
        assert taken_port([("127.0.0.1", port) for port in (*first, *second)]) is None


def test_a_block_with_a_taken_port_is_not_chosen(monkeypatch):
    monkeypatch.setattr("yarnhub.minihadoop.ports.random.shuffle", lambda blocks: None)
    with reserved_ports(None, datanodes=1, nodemanagers=1) as free:
        base = free.base
    monkeypatch.setattr("yarnhub.minihadoop.ports._FIRST", base)
    with (
        socket.create_server(("127.0.0.1", base + 5)),
        reserved_ports(None, datanodes=1, nodemanagers=1) as ports,
    ):
        assert ports.base > base


def test_a_port_that_is_kept_free_is_not_chosen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("yarnhub.minihadoop.ports.random.shuffle", lambda blocks: None)
    with reserved_ports(None, datanodes=1, nodemanagers=1) as free:
        base = free.base
    monkeypatch.setattr("yarnhub.minihadoop.ports._FIRST", base)
    with kept_free(base + 5), held_ports(1) as ports:
        assert ports[0] >= base + BLOCK
        with pytest.raises(ConflictError, match="about to be taken"), kept_free(ports[0]):
            pass


def test_a_given_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with (
            pytest.raises(ConflictError, match=f"Port {taken} on 127.0.0.1 is taken"),
            reserved_ports(taken, datanodes=1, nodemanagers=1),
        ):
            pass


@pytest.mark.parametrize("base", [-1, 0, 65_530, 70_000])
def test_a_first_port_after_which_the_others_do_not_fit_is_refused(base):
    with (
        pytest.raises(SettingsError, match=str(base)),
        reserved_ports(base, datanodes=1, nodemanagers=1),
    ):
        pass


def test_a_port_that_only_another_node_would_use_is_free_to_the_others():
    with held_ports(1) as (port,), socket.create_server(("127.0.0.2", port)):
        assert taken_port([("127.0.0.1", port)]) is None
        assert taken_port([("127.0.0.2", port)]) == ("127.0.0.2", port)


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of this account's lock directory, which does not exist yet."""
    monkeypatch.setattr("yarnhub.minihadoop.ports._LOCKS", str(tmp_path / "ports"))
    return tmp_path / f"ports-{os.getuid()}"


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    file = tmp_path / "authorized_keys"
    file.write_text("precious")
    return file


def fill_with_links(directory: Path, target: Path) -> None:
    for first in range(10_000, 32_000, BLOCK):
        (directory / str(first)).symlink_to(target)


def require_refused(locks: Path) -> None:
    with pytest.raises(ConflictError, match=f"{locks} must be a directory that"), held_ports(1):
        pass


def test_the_lock_directory_is_for_its_own_account_only(locks: Path):
    with held_ports(1):
        assert stat.S_IMODE(locks.lstat().st_mode) == 0o700
        assert {stat.S_IMODE(file.lstat().st_mode) for file in locks.iterdir()} == {0o600}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_accounts_lock_directory_is_refused_and_no_file_is_truncated(
    locks: Path, precious: Path
):
    locks.mkdir(mode=0o700)
    fill_with_links(locks, precious)
    os.chown(locks, 65534, 65534)
    require_refused(locks)
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o1777])
def test_a_lock_directory_that_others_can_open_is_refused(locks: Path, precious: Path, mode: int):
    locks.mkdir()
    fill_with_links(locks, precious)
    locks.chmod(mode)
    require_refused(locks)
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("kind", ["link", "dangling link", "file", "fifo"])
def test_anything_but_a_directory_in_its_place_is_refused(locks: Path, kind: str):
    elsewhere = locks.with_name("elsewhere")
    if kind == "link":
        elsewhere.mkdir(mode=0o700)
    if "link" in kind:
        locks.symlink_to(elsewhere)
    elif kind == "file":
        locks.touch()
    else:
        os.mkfifo(locks)
    require_refused(locks)
    assert not elsewhere.exists() or list(elsewhere.iterdir()) == []


def test_a_link_in_the_lock_directory_is_not_followed(locks: Path, precious: Path):
    locks.mkdir(mode=0o700)
    fill_with_links(locks, precious)
    with pytest.raises(ConflictError, match=r"The lock .* cannot be opened"), held_ports(1):
        pass
    assert precious.read_text() == "precious"


@pytest.mark.timeout(60)
def test_a_fifo_or_a_file_in_the_lock_directory_does_no_harm(locks: Path, precious: Path):
    locks.mkdir(mode=0o700)
    for index, first in enumerate(range(10_000, 32_000, BLOCK)):
        if index % 2:
            os.mkfifo(locks / str(first))
        else:
            os.link(precious, locks / str(first))
    with held_ports(1) as one, held_ports(1) as other:
        assert one != other
    assert precious.read_text() == "precious"
