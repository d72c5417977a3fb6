"""The mount in the container: the server's half and the application master's, without FUSE.

A module of the server's environment stands for `hdfs_contents.mount`, and a script for its daemon.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from yarnspawner.container import mount_daemon
from yarnspawner.container.mount import GIT_VARIABLES
from yarnspawner.container.mount_daemon import MOST_FAILURES, MountDaemon

#: Enters nothing: the device is the pipe of the test.
NAMESPACE = """
import os
class MountError(OSError):
    pass
def enter(path):
    if "REFUSED" in os.environ:
        raise MountError("This node allows no mount")
    return os.dup(int(os.environ["DEVICE"]))
"""

REMEDY = "Ask an administrator to run yarnhub check mount."

SERVER = """
import json, os
from yarnspawner.container.mount import NotMountedError, mount_hdfs
try:
    mount_hdfs()
    error = ""
except NotMountedError as failure:
    error = str(failure)
ours = ("YARNHUB_", "GIT_")
variables = {name: value for name, value in os.environ.items() if name.startswith(ours)}
print(json.dumps([variables, error]))
"""

#: Writes its arguments to the device, and does what the test asks.
DAEMON = """#!/bin/bash
for argument; do case "$argument" in
  --device=*) eval "echo $* >&${argument#--device=}" ;;
esac; done
exec %s
"""


@pytest.fixture
def server(tmp_path: Path) -> Callable[..., tuple[dict[str, str], str, bytes]]:
    """`server(**variables)`: mount in a process; returns its variables, its error and what came
    for the application master."""
    package = tmp_path / "environment" / "hdfs_contents" / "mount"
    package.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    for name in ("__init__.py", "mount/__init__.py"):
        (package.parent / name).touch()
    (package / "namespace.py").write_text(NAMESPACE)

    def run(**variables: str) -> tuple[dict[str, str], str, bytes]:
        ours, theirs = socket.socketpair()
        read, device = os.pipe()
        os.close(read)
        with ours, theirs:
            environment = {
                "DEVICE": str(device),
                "HOME": str(tmp_path / "home"),
                "PYTHONPATH": f"{tmp_path}/environment:{Path(__file__).parents[3]}",
                "YARNHUB_LOCAL_ROOT": str(tmp_path / "local"),
                "YARNHUB_MOUNT": "/srv/hdfs",
                "YARNHUB_MOUNT_SOCKET": str(theirs.fileno()),
            }
            done = subprocess.run(
                [sys.executable, "-c", SERVER],
                env=environment | variables,
                cwd=tmp_path,
                pass_fds=[device, theirs.fileno()],
                capture_output=True,
                text=True,
                check=True,
            )
            os.close(device)
            theirs.close()
            message, descriptors, _, _ = socket.recv_fds(ours, 64, 1)
            for descriptor in descriptors:
                os.close(descriptor)
        seen, error = json.loads(done.stdout)
        del seen["YARNHUB_LOCAL_ROOT"]
        return seen, error, message

    return run


def test_the_device_is_sent_and_the_home_has_a_link(server, tmp_path: Path):
    variables, error, message = server()
    assert variables == {"YARNHUB_MOUNT": "/srv/hdfs", **GIT_VARIABLES}
    assert (error, message) == ("", b"device")
    assert (tmp_path / "home" / "hdfs").readlink() == Path("/srv/hdfs")


def test_a_configuration_of_git_in_the_servers_environment_stays(server):
    variables, _, _ = server(GIT_CONFIG_COUNT="0")
    assert variables == {"YARNHUB_MOUNT": "/srv/hdfs", "GIT_CONFIG_COUNT": "0"}


def test_a_home_that_is_not_the_containers_gets_no_link(server, tmp_path: Path):
    elsewhere = tmp_path / "real" / "home"
    elsewhere.mkdir(parents=True)
    assert server(HOME=str(elsewhere))[2] == b"device"
    assert list(elsewhere.iterdir()) == []


def test_a_node_that_allows_no_mount_is_named_in_the_servers_environment(server, tmp_path: Path):
    variables, error, message = server(REFUSED="yes")
    assert variables == {"YARNHUB_MOUNT_FAILURE": f"This node allows no mount. {REMEDY}"}
    assert (error, message) == ("", b"")
    assert not os.path.lexists(tmp_path / "home" / "hdfs")


def test_a_mount_that_is_required_is_an_error(server):
    _, error, message = server(REFUSED="yes", YARNHUB_MOUNT_REQUIRED="1")
    assert (error, message) == (f"This node allows no mount. {REMEDY}", b"")


def test_an_environment_without_the_package_is_named(server, tmp_path: Path):
    (tmp_path / "environment/hdfs_contents/mount/namespace.py").unlink()
    variables, _, _ = server()
    assert "Install yarnhub[notebook]" in variables["YARNHUB_MOUNT_FAILURE"]


def test_no_mount_is_tried_if_the_launch_asks_for_none(server, tmp_path: Path):
    _, error, message = server(YARNHUB_MOUNT_SOCKET="")
    assert (error, message) == ("", b"")
    assert not os.path.lexists(tmp_path / "home" / "hdfs")


class Device:
    """A pipe in place of FUSE's device: what daemons write to it, and when nobody has it."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        self._buffer = b""

    def line(self) -> bytes:
        """The next line of a daemon; empty when no process has the device."""
        while b"\n" not in self._buffer:
            assert select.select([self.read], [], [], 60)[0], "no daemon has written"
            if not (data := os.read(self.read, 4096)):
                return b""
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


@pytest.fixture
def device() -> Iterator[Device]:
    pipe = Device()
    yield pipe
    os.close(pipe.read)


@pytest.fixture
def daemon(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], MountDaemon]]:
    """`daemon(command)`: the master's half, which has the device; its daemons become `command`."""
    python = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(mount_daemon, "RESTART_SECONDS", 0.0)
    made: list[MountDaemon] = []

    def make(command: str) -> MountDaemon:
        python.write_text(DAEMON % command)
        python.chmod(0o700)
        ours, theirs = socket.socketpair()
        made.append(MountDaemon(ours, {"PATH": os.environ["PATH"]}))
        made[0].tick()
        assert made[0].pid is None, "there is no device yet"
        socket.send_fds(theirs, [b"device"], [device.write])
        os.close(device.write)
        theirs.close()
        made[0].tick()
        return made[0]

    yield make
    for master in made:
        if master.pid is not None:
            os.kill(master.pid, 9)


def test_the_daemon_serves_the_device_in_a_session_of_its_own(daemon, device: Device):
    master = daemon("sleep 300")
    words = device.line().split()
    assert words[:2] == [b"-m", b"hdfs_contents.mount"]
    assert {word.partition(b"=")[0] for word in words[2:]} == {
        b"--device",
        b"--state",
        b"--lifeline",
    }
    assert os.getsid(master.pid) == master.pid != os.getsid(0)


def test_a_killed_daemon_is_replaced_and_gets_the_same_descriptors(
    daemon, device: Device, wait_until: Callable[..., Any]
):
    master = daemon("sleep 300")
    first, arguments = master.pid, device.line()
    os.kill(first, 9)

    def replaced() -> bool:
        master.tick()
        return master.pid not in (None, first)

    wait_until(replaced, 30, "another daemon")
    assert device.line() == arguments


def test_a_mount_whose_daemon_never_serves_is_given_up(
    daemon, device: Device, wait_until: Callable[..., Any]
):
    master = daemon("false")

    def ticks() -> bool:
        master.tick()
        return master.pid is None and master.due == float("inf")

    wait_until(ticks, 30, "the end")
    assert [bool(device.line()) for _ in range(MOST_FAILURES + 1)] == [
        *[True] * MOST_FAILURES,
        False,
    ]


@pytest.mark.parametrize(
    "command",
    [f"sh -c 'exit {os.EX_CONFIG}'", "true"],
    ids=["HDFS cannot be opened", "the mount is gone"],
)
def test_a_daemon_without_hdfs_or_a_mount_is_given_up_at_once(
    command: str, daemon, device: Device, wait_until: Callable[..., Any]
):
    master = daemon(command)
    assert device.line()

    def ended() -> bool:
        master.tick()
        return master.pid is None

    wait_until(ended, 30, "the end")
    assert device.line() == b""
    assert master.due == float("inf")


def test_a_pause_follows_each_failure_and_is_bounded(monkeypatch: pytest.MonkeyPatch):
    now = time.monotonic()
    monkeypatch.setattr(mount_daemon, "time", SimpleNamespace(monotonic=lambda: now))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        master = MountDaemon(ours, {})
        pauses = []
        for _ in range(MOST_FAILURES - 1):
            master._plan_restart("ended")
            pauses.append(round(master.due - now))
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0, mount_daemon.LONGEST_RESTART_SECONDS)
