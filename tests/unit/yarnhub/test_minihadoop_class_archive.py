"""The archive of the daemons' classes is complete or absent, made once, and never required."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yarnhub.minihadoop import class_archive
from yarnhub.minihadoop.artifacts import Distribution
from yarnhub.minihadoop.class_archive import archive_file, class_names, java_options
from yarnhub.minihadoop.commands import daemon_command
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.settings import ClusterSettings, Security
from yarnhub.minihadoop.state import ClusterState

#: Java, as far as it makes an archive: it writes its class list and class path there, or nothing.
JAVA = """#!/bin/sh
echo "$@" >> {log}
for argument in "$@"; do
  case $argument in
    -XX:SharedClassListFile=*) list=${{argument#*=}} ;;
    -XX:SharedArchiveFile=*) archive=${{argument#*=}} ;;
  esac
done
{end}
cat "$list" > "$archive"
"""


@pytest.fixture
def built(tmp_path: Path) -> Distribution:
    distribution = Distribution("3.4.2", tmp_path / "hadoop", tmp_path / "java")
    (distribution.home / "lib").mkdir(parents=True)
    (distribution.java_home / "lib").mkdir(parents=True)
    (distribution.java_home / "lib" / "modules").write_text("Java 17")
    install_java(distribution)
    return distribution


def install_java(distribution: Distribution, end: str = "") -> Path:
    log = distribution.java_home / "log"
    java = Path(distribution.java)
    java.parent.mkdir(exist_ok=True)
    java.write_text(JAVA.format(log=log, end=end))
    java.chmod(0o755)
    return log


def test_classes_are_recorded_until_there_is_an_archive_and_then_it_is_used(built, tmp_path):
    record = tmp_path / "record"
    assert java_options(built, record) == [f"-XX:DumpLoadedClassList={record}"]
    archive_file(built).write_text("classes")
    assert java_options(built, record) == [f"-XX:SharedArchiveFile={archive_file(built)}"]


def test_an_archive_is_made_of_the_classes_of_all_records(built, tmp_path, wait_until):
    first, second = tmp_path / "namenode", tmp_path / "datanode"
    first.write_text("# comment\njava/lang/Object id: 0\norg/example/One id: 7\n")
    second.write_text("java/lang/Object id: 0\norg/example/Two id: 7\n")
    class_archive.make(built, [first, second, tmp_path / "missing"])
    archive = archive_file(built)
    wait_until(archive.exists, 20, "the archive is made")
    assert archive.read_text() == "java/lang/Object\norg/example/One\norg/example/Two\n"


def test_an_archive_is_made_once(built):
    log = install_java(built)
    class_archive._make(built, b"")
    class_archive._make(built, b"")
    assert len(log.read_text().splitlines()) == 1


def test_the_archive_of_a_killed_process_is_made_again(built):
    (built.home / "classes.partial").mkdir()
    (built.home / "classes.partial" / "archive").write_text("half")
    class_archive._make(built, b"names")
    assert archive_file(built).read_text() == "names"
    assert sorted(entry.name for entry in built.home.iterdir()) == [
        archive_file(built).name,
        "classes.lock",
        "lib",
    ]


def test_a_java_that_makes_no_archive_is_asked_once_and_starts_without_one(built, tmp_path):
    log = install_java(built, end="exit 1")
    class_archive._make(built, b"names")
    class_archive._make(built, b"names")
    assert len(log.read_text().splitlines()) == 1
    assert java_options(built, tmp_path / "record") == []


def test_another_build_of_java_gets_another_archive(built):
    before = archive_file(built)
    (built.java_home / "lib" / "modules").write_text("Java 17 with a fix")
    assert archive_file(built) != before


def test_a_java_without_class_data_sharing_starts_without_an_archive(built, tmp_path):
    (built.java_home / "lib" / "modules").unlink()
    assert java_options(built, tmp_path / "record") == []
    class_archive.make(built, [])
    assert [entry.name for entry in built.home.iterdir()] == ["lib"]


def test_nothing_is_recorded_if_the_archive_cannot_be_stored(built, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert java_options(built, tmp_path / "record") == []


def test_lines_that_hold_in_one_process_only_are_left_out():
    record = "# a comment\nA id: 1\nB super: 1 source: /tmp/x.jar id: 2\n@lambda-proxy A run\n"
    assert class_names([record, "A id: 9\n"]) == ["A", "@lambda-proxy A run"]


@pytest.mark.parametrize("security", [None, Security()])
def test_daemons_use_the_archive_but_for_a_nodemanager_with_kerberos(
    built: Distribution, tmp_path: Path, security: Security | None
):
    archive_file(built).write_text("classes")
    settings = ClusterSettings(security=security)
    state = ClusterState(tmp_path / "state", settings, Ports(20_000), built)
    for kind in ("namenode", "datanode", "resourcemanager", "nodemanager"):
        command = daemon_command(state, kind, f"{kind}1")
        own_class_first = security is not None and kind == "nodemanager"
        classpath = command[command.index("-cp") + 1]
        assert classpath.startswith(built.jars) is not own_class_first
        assert (f"-XX:SharedArchiveFile={archive_file(built)}" in command) is not own_class_first
