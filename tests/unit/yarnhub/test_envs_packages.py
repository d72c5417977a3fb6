"""`yarnhub envs packages`: what servers keep of `%pip install`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hadoop_client.hdfs.paths import temporary_beside
from hdfs_contents.packages.archive import pack, site_packages
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from yarnhub import cli

DIRECTORY = "/user/packer/.yarnhub/packages"


@pytest.fixture
def hdfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalFileSystem:
    made = LocalFileSystem(tmp_path / "hdfs")
    monkeypatch.setattr("yarnhub.envs.packages.open_hdfs", lambda: made)
    return made


@pytest.fixture
def kept(hdfs: LocalFileSystem, tmp_path: Path) -> LocalFileSystem:
    """The packages of two Pythons; those of the second are damaged."""
    base = tmp_path / "base"
    info = site_packages(base) / "polars-1.9.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").touch()
    for python in ("cpython-311-x86_64-linux-gnu", "cpython-312-x86_64-linux-gnu"):
        hdfs.at(f"{DIRECTORY}/{python}").mkdir(parents=True)
        hdfs.at(f"{DIRECTORY}/{python}/default.tar.gz").write_text("damaged")
    with hdfs.at(f"{DIRECTORY}/cpython-311-x86_64-linux-gnu/default.tar.gz").open("wb") as file:
        pack(base, 1_000_000, file)
    return hdfs


def packages(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["envs", "packages", *arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_each_archive_is_listed_with_its_packages(kept: LocalFileSystem) -> None:
    listed = json.loads(packages("list", "--json"))
    assert [(entry["server"], entry["packages"]) for entry in listed] == [
        ("default", ["polars 1.9.0"]),
        ("default", None),
    ]
    shown = packages("list")
    for part in ("polars 1.9.0", "damaged", "default"):
        assert part in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_names_of_packages_and_servers_are_shown_as_they_are(
    hdfs: LocalFileSystem, tmp_path: Path
) -> None:
    info = site_packages(tmp_path / "base") / "[blink]-[1].dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").touch()
    hdfs.at(f"{DIRECTORY}/[bold]").mkdir(parents=True)
    with hdfs.at(f"{DIRECTORY}/[bold]/[x].tar.gz").open("wb") as file:
        pack(tmp_path / "base", 1_000_000, file)
    shown = packages("list")
    for part in ("[bold]", "[x]", "[blink] [1]"):
        assert part in shown


def test_packages_are_removed_of_one_python_or_of_all(kept: LocalFileSystem) -> None:
    assert packages("clean", "cpython-312-x86_64-linux-gnu").startswith("Removed 1 archive")
    assert kept.files() == [f"{DIRECTORY}/cpython-311-x86_64-linux-gnu/default.tar.gz"]
    packages("clean")
    assert kept.files() == []


def test_an_archive_that_is_being_saved_is_neither_listed_nor_removed(
    kept: LocalFileSystem,
) -> None:
    archive = f"{DIRECTORY}/cpython-312-x86_64-linux-gnu/default.tar.gz"
    temporary = temporary_beside(archive)
    kept.at(archive).rename(kept.at(temporary))
    assert [entry["python"] for entry in json.loads(packages("list", "--json"))] == [
        "cpython-311-x86_64-linux-gnu"
    ]
    packages("clean")
    assert kept.files() == [temporary]


def test_a_user_without_packages_is_told_how_to_install_some(hdfs: LocalFileSystem) -> None:
    assert packages("list").startswith("No packages are kept.")
    assert packages("clean") == "Removed 0 archives of packages, 0.0 MB.\n"
