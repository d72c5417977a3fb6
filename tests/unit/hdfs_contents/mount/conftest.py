"""A folder that is mounted, with a local directory in place of HDFS."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mounts import Mount

ROOT = Path(__file__).parents[4]
DAEMON = Path(__file__).with_name("local_daemon.py")


@pytest.fixture(scope="module")
def mount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mount]:
    """A mount for the tests of a module; 24 MiB may wait to be stored, and 100 names are
    kept."""
    place = tmp_path_factory.mktemp("mount")
    for name in ("folder", "stored"):
        (place / name).mkdir()
    command = [sys.executable, str(DAEMON), str(place / "stored"), str(place / "staging")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    limits = [f"--budget={24 * 1024 * 1024}", "--nodes=100"]
    mount = Mount(place / "folder", [*command, *limits], environment)
    yield mount
    assert mount.close() == 0


@pytest.fixture
def folder(mount: Mount, request: pytest.FixtureRequest) -> Path:
    """A new directory in the mounted folder."""
    path = mount.path / request.node.name.replace("/", "-")
    path.mkdir()
    return path


@pytest.fixture
def stored(mount: Mount, folder: Path) -> Path:
    """What stands for the same directory in HDFS."""
    where = mount.where.with_name("stored")
    return where / folder.relative_to(mount.path)
