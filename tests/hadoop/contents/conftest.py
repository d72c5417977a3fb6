"""The contents manager on the embedded Hadoop, in this process always as alice.

Who a process is to HDFS is one thing for all of its clients, so what bob does is done by a process
of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from hdfs_contents import HDFSContentsManager
from tests.hadoop.administration import HdfsCommands
from tests.hadoop.contents.notebook_server import MANAGER, running
from tests.mounts import Mount
from tests.unit.hdfs_contents.manager.fixtures import (  # noqa: F401 - pytest finds them by name
    manager,
    names,
    read,
    write,
)
from tests.unit.hdfs_contents.manager.models import MakeManager
from yarnhub.minihadoop import MiniHadoop

ROOT = Path(__file__).parents[3]


@pytest.fixture
def fs(hadoop: MiniHadoop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FileSystem:
    """HDFS as alice, as everything that the test opens in this process."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hadoop.conf_dir))
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(tmp_path / kind))
    return open_filesystem()


@pytest.fixture
def root(fs: FileSystem) -> Iterator[str]:
    """An empty directory in HDFS of alice's."""
    path = f"/user/alice/test-{uuid.uuid4().hex}"
    fs.mkdirs(path, 0o700)
    yield path
    fs.delete(path, recursive=True)


@pytest.fixture
def make_manager(root: str) -> MakeManager:
    """`make_manager(option=value, …)`: a contents manager of alice's on the root."""
    return lambda **options: HDFSContentsManager(**{"root_dir": root} | options)


@pytest.fixture(scope="session")
def hdfs(hadoop: MiniHadoop) -> Iterator[Callable[..., str]]:
    """`hdfs(argument, …)`: runs Hadoop's own `hdfs` command as the superuser."""
    commands = HdfsCommands(hadoop)
    yield commands
    commands.close()


@pytest.fixture
def as_user(hadoop: MiniHadoop) -> Callable[..., Any]:
    """`as_user(name, code)`: what `code`, given `fs`, prints in a process of that user, parsed as
    JSON."""

    def run(user: str, code: str) -> Any:
        script = (
            "import json\nfrom hadoop_client.hdfs.filesystem import open_filesystem\n"
            f"fs = open_filesystem()\n{code}"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **hadoop.env(), "HADOOP_USER_NAME": user},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    return run


@pytest.fixture(scope="session")
def start_server(
    hadoop: MiniHadoop,
    tmp_path_factory: pytest.TempPathFactory,
    wait_until: Callable[..., Any],
) -> Iterator[Callable[..., httpx.Client]]:
    """`start_server(manager)`: a client of a notebook server of alice's with that manager."""
    with ExitStack() as servers:

        def start(manager: str = MANAGER) -> httpx.Client:
            folder = tmp_path_factory.mktemp("server")
            return servers.enter_context(running(hadoop, folder, wait_until, manager))

        yield start


@pytest.fixture(scope="session")
def server(start_server: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of alice's notebook server."""
    return start_server()


def start_mount(hadoop: MiniHadoop, place: Path) -> Mount:
    """Mount all of HDFS as alice; 16 MiB may wait to be written."""
    environment = {
        **os.environ,
        **hadoop.env(),
        "HADOOP_USER_NAME": "alice",
        "PYTHONPATH": str(ROOT),
    }
    daemon = [sys.executable, "-m", "hdfs_contents.mount", f"--staging={place / 'staging'}"]
    return Mount(place / "hdfs", [*daemon, "--staging-mb=16"], environment)


@pytest.fixture(scope="module")
def mount(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mount]:
    """All of HDFS, mounted as alice; 16 MiB may wait to be written."""
    mount = start_mount(hadoop, tmp_path_factory.mktemp("mount"))
    yield mount
    assert mount.close() == 0


@pytest.fixture
def folder(mount: Mount, root: str) -> Path:
    """The mounted folder of the test's directory in HDFS."""
    return mount.path / root.lstrip("/")
