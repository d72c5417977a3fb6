"""A server with its mount, from the payload's first line to its end. A local directory stands for
HDFS."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from yarnspawner.container.payload import Launch
from yarnspawner.container.processes import read_process
from yarnspawner.launch.program import build_payload

ROOT = Path(__file__).parents[3]

#: Lets the daemon, and no other process, open a local directory.
IN_PLACE_OF_HDFS = """
import os, sys
if "hdfs_contents.mount" in sys.orig_argv:
    from pathlib import Path
    from hadoop_client.hdfs import filesystem, local
    stored = local.LocalFileSystem("/", Path(os.environ["STORED"]), "alice")
    filesystem.open_filesystem = lambda *_: stored
"""

#: Writes two files: one at once, and one when it is asked to end.
SERVER = """#!/bin/bash
trap 'echo end > {mount}/end; exit' TERM
echo $$ > {mount}/pid
while :; do sleep 300 & wait; done
"""


class Container:
    """A container whose server mounts."""

    def __init__(self, folder: Path) -> None:
        for name in ("environment", "stored", "mounts", "bin"):
            (folder / name).mkdir()
        mount = folder / "mounts" / "hdfs"
        self.stored = folder / "stored"
        (folder / "environment/sitecustomize.py").write_text(IN_PLACE_OF_HDFS)
        (folder / "bin/serve").write_text(SERVER.format(mount=mount))
        (folder / "bin/serve").chmod(0o755)
        variables = {
            "HADOOP_CONF_DIR": str(folder / "environment"),
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "PYTHONPATH": f"{folder}/environment:{ROOT}",
            "STORED": str(self.stored),
        }
        launch = Launch(["serve"], variables, [], report_path="port", mount_path=str(mount))
        (folder / "payload").write_bytes(build_payload(launch))
        self.mark = f"container_{folder}"
        self.master = subprocess.Popen(
            [sys.executable, "-E", "-S", "payload"],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "CONTAINER_ID": self.mark,
                "JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api",
            },
            start_new_session=True,
        )
        self._mount = mount

    def is_served(self) -> bool:
        return (self.stored / "pid").is_file() and bool((self.stored / "pid").read_text())

    @property
    def mount(self) -> Path:
        """The mount as the server sees it."""
        return self.mount_of(int((self.stored / "pid").read_text()))

    def mount_of(self, process: int) -> Path:
        """The mount as a process sees it."""
        return Path(f"/proc/{process}/root{self._mount}")

    def processes(self, word: str = "") -> list[int]:
        """The container's processes that have a word in their command lines."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                marked = f"CONTAINER_ID={self.mark}\0".encode() in (path / "environ").read_bytes()
                alive = read_process(int(path.name)) is not None
                if marked and alive and word.encode() in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
        return found

    def close(self) -> None:
        self.master.kill()
        for process in self.processes():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        self.master.wait()


@pytest.fixture
def container(tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Container]:
    made = Container(tmp_path)
    try:
        wait_until(made.is_served, 60, "the server's file")
        yield made
    finally:
        made.close()


def test_a_daemon_that_is_killed_is_replaced_and_files_stay_open(
    container: Container, wait_until: Callable[..., Any]
):
    (daemon,) = container.processes("hdfs_contents.mount")
    with (container.mount / "open").open("w") as file:
        file.write("before, ")
        file.flush()
        os.kill(daemon, signal.SIGKILL)
        file.write("after")
    assert (container.stored / "open").read_text() == "before, after"
    assert container.processes("hdfs_contents.mount") != [daemon]


def test_a_stop_saves_what_the_server_writes_at_its_end_and_leaves_nothing(
    container: Container, wait_until: Callable[..., Any]
):
    os.killpg(container.master.pid, signal.SIGTERM)
    container.master.wait(60)
    wait_until(lambda: container.processes() == [], 60, "the end of all processes")
    assert (container.stored / "end").read_text() == "end\n"


def test_calls_on_the_mount_fail_if_the_application_master_is_killed(
    container: Container, wait_until: Callable[..., Any]
):
    # What the server leaves behind: it ends too, and its own processes may stay.
    (left,) = wait_until(lambda: container.processes("sleep"), 60, "the server's process")
    container.master.kill()

    def fails() -> bool:
        try:
            (container.mount_of(left) / "pid").stat()
        except OSError as error:
            return error.errno in (errno.ENOTCONN, errno.ECONNABORTED)
        return False

    wait_until(fails, 60, "the end of the mount")
    wait_until(lambda: container.processes() == [left], 60, "the end of server and daemon")
