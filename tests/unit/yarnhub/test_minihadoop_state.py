"""A cluster's state directory: writing, reading and removing its files."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from yarnhub.minihadoop.artifacts import Distribution
from yarnhub.minihadoop.errors import ConflictError, NotRunningError
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.settings import ClusterSettings
from yarnhub.minihadoop.state import ClusterState, load, remove_data, usable_folder


@pytest.fixture
def cluster(tmp_path: Path) -> ClusterState:
    home = tmp_path / "hadoop"
    (home / "lib").mkdir(parents=True)
    (home / "lib" / "hadoop.jar").touch()
    java = tmp_path / "java"
    (java / "bin").mkdir(parents=True)
    (java / "bin" / "java").write_text('#!/bin/sh\necho "$@"\n')
    (java / "bin" / "java").chmod(0o755)
    settings = ClusterSettings(nodemanagers=2, datanodes=2, users=("ann",))
    return ClusterState(
        tmp_path / "state", settings, Ports(20_000), Distribution("3.4.2", home, java)
    )


def test_the_description_is_read_back(cluster):
    cluster.write()
    assert load(cluster.folder) == cluster


def test_each_daemon_has_a_configuration_that_hadoop_can_read(cluster):
    cluster.write()
    own = {folder.name for folder in cluster.conf_dir.iterdir() if folder.is_dir()}
    assert own == set(cluster.daemon_names())
    assert {"namenode", "datanode2", "resourcemanager", "nodemanager2"} < own
    for folder in (cluster.conf_dir, *(cluster.conf_dir / name for name in own)):
        for name in ("core", "hdfs", "yarn"):
            site = ElementTree.parse(folder / f"{name}-site.xml").getroot()
            names = [entry.findtext("name") for entry in site.iter("property")]
            assert len(names) == len(set(names)) > 0
    assert (cluster.conf_dir / "capacity-scheduler.xml").exists()


def test_values_survive_xml(cluster, tmp_path):
    odd = ClusterState(tmp_path / "a<b>&c", cluster.settings, cluster.ports, cluster.distribution)
    odd.write()
    site = ElementTree.parse(odd.conf_dir / "core-site.xml").getroot()
    values = {entry.findtext("name"): entry.findtext("value") for entry in site.iter("property")}
    assert values["hadoop.tmp.dir"] == str(tmp_path / "a<b>&c" / "tmp")


def test_the_yarn_command_gives_the_class_path_and_runs_clients(cluster):
    cluster.write()

    def yarn(*arguments: str) -> str:
        command = [str(cluster.folder / "bin" / "yarn"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    path = yarn("classpath", "--glob").split(":")
    assert path == [str(cluster.conf_dir), str(cluster.distribution.home / "lib" / "hadoop.jar")]
    assert yarn("logs", "-applicationId", "x").endswith("cli.LogsCLI -applicationId x")
    assert yarn("application", "-list").endswith("cli.ApplicationCLI application -list")
    assert yarn("org.example.Main", "a b").endswith("org.example.Main a b")


def test_the_environment_puts_our_commands_first_and_keeps_the_rest(cluster, monkeypatch):
    monkeypatch.setenv("PATH", "/somewhere")
    env = cluster.env()
    assert env["PATH"] == f"{cluster.folder}/bin:/somewhere"
    assert env["HADOOP_CONF_DIR"] == str(cluster.conf_dir)
    assert "HADOOP_USER_NAME" not in env


def test_data_is_removed_while_logs_and_foreign_files_stay(cluster):
    cluster.write()
    (cluster.folder / "logs" / "namenode.log").touch()
    (cluster.folder / "mine.txt").touch()
    remove_data(cluster.folder)
    left = {str(path.relative_to(cluster.folder)) for path in cluster.folder.rglob("*")}
    assert left == {"logs", "logs/namenode.log", "mine.txt"}


def test_a_directory_with_foreign_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConflictError, match=r"thesis\.tex"):
        usable_folder(tmp_path)


@pytest.mark.parametrize("name", ["with space", "comma,", "per%20cent", "ümlaut", "new\nline"])
def test_a_path_that_hadoop_cannot_use_is_refused(tmp_path, name):
    with pytest.raises(ConflictError, match="Choose a state directory"):
        usable_folder(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConflictError, match="cannot be used: Not a directory"):
        usable_folder(tmp_path / "file" / "state")


def test_a_directory_is_known_by_its_real_path(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert usable_folder(tmp_path / "link" / "state") == tmp_path / "real" / "state"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that every account can enter, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def readable_by_another_account(*files: Path) -> list[str]:
    """The names of the files that the account with uid 65534 can read."""
    script = """
import os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for path in sys.argv[1:]:
    try:
        open(path).close()
    except PermissionError:
        continue
    print(os.path.basename(path))
"""
    command = [sys.executable, "-I", "-S", "-c", script, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.split()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
@pytest.mark.parametrize("exists", [False, True])
def test_another_account_reads_nothing_in_a_state_directory(open_folder: Path, exists: bool):
    folder = open_folder / "state"
    if exists:
        folder.mkdir(mode=0o755)
    store = usable_folder(folder) / "yarn" / "rm-state"
    store.mkdir(parents=True, mode=0o755)
    secret, control = store / "application_1", open_folder / "control"
    for file in (secret, control):
        file.write_text("JUPYTERHUB_API_TOKEN")
        file.chmod(0o644)
    assert readable_by_another_account(secret, control) == ["control"]


def test_a_state_directory_of_an_earlier_version_is_closed_to_other_accounts(tmp_path: Path):
    (tmp_path / "state" / "logs").mkdir(parents=True)
    (tmp_path / "state").chmod(0o755)
    usable_folder(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_another_account_is_refused(tmp_path: Path):
    (tmp_path / "state").mkdir(mode=0o755)
    os.chown(tmp_path / "state", 65534, 65534)
    with pytest.raises(ConflictError, match="belongs to another account"):
        usable_folder(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o755


@pytest.mark.parametrize("content", [None, "not json", "{}", '{"settings": {"colour": 1}}'])
def test_a_missing_or_broken_description_is_not_a_cluster(tmp_path, content):
    if content is not None:
        (tmp_path / "cluster.json").write_text(content)
    with pytest.raises(NotRunningError, match=str(tmp_path)):
        load(tmp_path)
