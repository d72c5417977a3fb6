"""What is released: a source distribution, its wheel, and an edge node that has only that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.packages import PACKAGES

ROOT = Path(__file__).parents[2]
USED = """
import importlib.metadata as metadata
import env_packaging.pack, hdfs_contents, yarnspawner, yarnhub.minihadoop
(spawner,) = metadata.entry_points(group="jupyterhub.spawners", name="yarn")
assert spawner.load() is yarnspawner.YarnSpawner
print(yarnspawner.__file__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that was built from it and not from the tree."""
    folder = tmp_path_factory.mktemp("release")
    away = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "*.egg-info", "_build")
    shutil.copytree(ROOT, folder / "tree", ignore=away)
    run(sys.executable, "-m", "build", folder / "tree", cwd=folder)
    (source,) = (folder / "tree" / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "tree" / "dist").glob("*.whl")
    return source, wheel


@pytest.fixture(scope="module")
def edge_node(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, and nothing of this tree."""
    folder = tmp_path_factory.mktemp("edge-node")
    venv.create(folder, with_pip=True)
    wheel = f"{distributions[1]}[hub,pack]"
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return folder / "bin"


def files_of_the_rooms() -> set[str]:
    found = (file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file())
    return {str(file.relative_to(ROOT)) for file in found if "__pycache__" not in file.parts}


@pytest.mark.heavy
def test_both_have_every_file_of_the_rooms(distributions: tuple[Path, Path]):
    source, wheel = distributions
    with tarfile.open(source) as archive:
        in_source = {name.partition("/")[2] for name in archive.getnames()}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    rooms = files_of_the_rooms()
    assert {"yarnhub/minihadoop/pom.xml", "yarnspawner/py.typed"} <= rooms
    assert rooms - in_source == set()
    # These go where jupyter_server and JupyterLab look for them.
    configurations = {file for file in rooms if "/jupyter-config/" in file}
    assert rooms - configurations - in_wheel == set()
    for directory, count in {"jupyter_server_config.d": 2, "settings/overrides.d": 1}.items():
        names = {Path(name).name for name in in_wheel if f"/{directory}/" in name}
        assert len(names) == count
        assert names <= {Path(file).name for file in configurations}
    assert {"CHANGELOG.md", "docs/index.md", "examples/subdomains.py", "scripts/test"} <= in_source
    assert not [name for name in in_wheel if name.startswith(("tests/", "docs/", "examples/"))]


@pytest.mark.heavy
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm builds JupyterLab's extension")
def test_the_wheel_has_jupyterlabs_extension(distributions: tuple[Path, Path]):
    names = zipfile.ZipFile(distributions[1]).namelist()
    found = [name.partition("/labextensions/yarnhub/")[2] for name in names]
    assert "package.json" in found
    assert any(name.startswith("static/remoteEntry.") for name in found)


@pytest.mark.heavy
def test_the_metadata_is_what_an_index_takes(distributions: tuple[Path, Path], tmp_path: Path):
    told = run(sys.executable, "-m", "twine", "check", "--strict", *distributions, cwd=tmp_path)
    assert told.count("PASSED") == 2


@pytest.mark.heavy  # it installs the hub from an index
def test_the_tool_and_the_hub_run_where_only_the_wheel_is(edge_node: Path, tmp_path: Path):
    from importlib.metadata import version

    assert (
        run(edge_node / "yarnhub", "--version", cwd=tmp_path) == f"yarnhub {version('yarnhub')}\n"
    )
    assert "pack-env" in run(edge_node / "yarnhub", "--help", cwd=tmp_path)
    place = Path(run(edge_node / "python", "-c", USED, cwd=tmp_path).strip())
    assert edge_node.parent in place.parents
    told = run(
        edge_node / "jupyterhub", "--help-all", "--JupyterHub.spawner_class=yarn", cwd=tmp_path
    )
    assert "--YarnSpawner.python_env" in told


def test_the_changelog_is_about_this_version():
    from importlib.metadata import version

    changes = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {version('yarnhub')}" in changes or "## Unreleased" in changes
