"""Which Java is chosen, and the errors about an unsuitable one."""

from __future__ import annotations

from pathlib import Path

import pytest

from yarnhub.minihadoop.errors import MissingToolError
from yarnhub.minihadoop.java import (
    find_java,
    java_major,
    java_problem,
    parse_major,
    require_compiler,
)


def java_home(folder: Path, release: str = 'JAVA_VERSION="17.0.15"\n') -> Path:
    (folder / "bin").mkdir(parents=True)
    java = folder / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\" 2023-10-17' >&2\n")
    java.chmod(0o755)
    if release:
        (folder / "release").write_text(release)
    return folder


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('IMPLEMENTOR="Debian"\nJAVA_VERSION="17.0.15"\n', 17),
        ('JAVA_VERSION="1.8.0_392"\n', 8),
        ('openjdk version "11.0.2" 2019-01-15\n', 11),
        ('java version "1.8.0_202"\n', 8),
        ('openjdk version "24-ea" 2025-03-18\n', 24),
    ],
)
def test_the_major_version_is_read_from_all_forms(text, major):
    assert parse_major(text) == major


def test_an_unknown_version_is_an_error():
    with pytest.raises(MissingToolError, match="version is not recognised"):
        parse_major("command not found")


@pytest.mark.parametrize(
    ("major", "hadoop", "problem"),
    [
        (8, "3.4.2", "too old"),
        (11, "3.4.2", ""),
        (17, "3.4.2", ""),
        (22, "3.4.2", ""),
        (24, "3.4.2", "too new"),
        (11, "3.5.0", "too old"),
        (17, "3.5.0", ""),
        (24, "3.5.0", ""),
    ],
)
def test_each_hadoop_says_which_java_it_needs(major, hadoop, problem):
    sentence = java_problem(major, hadoop)
    assert problem in sentence
    assert bool(sentence) is bool(problem)


def test_java_home_comes_before_the_path(monkeypatch, tmp_path):
    named, on_path = java_home(tmp_path / "named"), java_home(tmp_path / "on_path")
    monkeypatch.setenv("PATH", str(on_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert find_java("3.4.2") == on_path
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert find_java("3.4.2") == named


def test_a_java_without_a_release_file_is_run(tmp_path):
    assert java_major(java_home(tmp_path / "java", release="")) == 21


def test_without_java_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"no Java on this machine\. Install one"):
        find_java("3.4.2")


def test_a_java_home_without_java_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(MissingToolError, match=f"JAVA_HOME is {tmp_path}, which has no bin/java"):
        find_java("3.4.2")


def test_an_old_java_is_named_with_its_place(monkeypatch, tmp_path):
    old = java_home(tmp_path / "java", 'JAVA_VERSION="1.8.0_392"\n')
    monkeypatch.setenv("JAVA_HOME", str(old))
    with pytest.raises(MissingToolError, match=f"Java 8 is too old.*{old}"):
        find_java("3.4.2")


def test_a_runtime_without_a_compiler_is_reported(tmp_path):
    with pytest.raises(MissingToolError, match="without the compiler javac"):
        require_compiler(java_home(tmp_path / "java"))
