"""Prefixes and a file system for the packer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from env_packaging.build.plan import Plan, make_plan
from env_packaging.build.prefix import open_prefix
from env_packaging.build.progress import NoProgress
from env_packaging.build.scan import scan_prefix
from env_packaging.pack import pack_and_publish
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import copy_python, install, link_tree, make_venv, unpack


@pytest.fixture(scope="session")
def shared_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete Python that no test changes."""
    return copy_python(tmp_path_factory.mktemp("shared") / "python")


@pytest.fixture
def python_prefix(shared_python: Path, tmp_path: Path) -> Path:
    """A complete Python in which the test may add, rename and remove files."""
    return link_tree(shared_python, tmp_path / "python")


@pytest.fixture
def venv(shared_python: Path, tmp_path: Path) -> Path:
    """A venv of a complete Python, with one package installed."""
    made = make_venv(shared_python, tmp_path / "venv")
    install(made, "demo")
    return made


@pytest.fixture
def plan_of() -> Callable[[Path], Plan]:
    return lambda prefix: make_plan(scan_prefix(open_prefix(prefix)), NoProgress())


@pytest.fixture
def filesystem(tmp_path: Path) -> LocalFileSystem:
    root = tmp_path / "hdfs"
    root.mkdir()
    root.chmod(0o755)
    return LocalFileSystem(root)


@pytest.fixture
def unpacked(filesystem: LocalFileSystem, tmp_path: Path) -> Callable[[Path], Path]:
    """Pack a prefix, move it away, and unpack the archive elsewhere."""

    def pack_move_unpack(prefix: Path) -> Path:
        packed = pack_and_publish(prefix, "science", filesystem, "/apps/envs")
        prefix.rename(prefix.with_name("moved away"))
        return unpack(filesystem.at(packed.path), tmp_path / "node" / "environment")

    return pack_move_unpack
