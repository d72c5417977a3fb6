"""The distribution in the user's cache is complete or absent, and made once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from yarnhub.minihadoop.artifacts import Distribution, distribution, maven_reason
from yarnhub.minihadoop.errors import ArtifactsUnavailableError, MissingToolError, SettingsError

ROOT = Path(__file__).parents[3]

# Maven, as far as we use it: it notes that it was called and makes the folder of jars.
MAVEN = """#!/bin/sh
echo "$@" >> {log}
for argument in "$@"; do
  case $argument in -Dlib=*) lib=${{argument#-Dlib=}} ;; esac
done
mkdir -p "$lib" && touch "$lib/b.jar" "$lib/a.jar"
{end}
"""
REFUSED = """echo '[ERROR] Failed to execute goal on project minihadoop: Could not resolve \
dependencies: repo: Unknown host -> [Help 1]'
exit 1"""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with a Java, an empty cache, and no Maven yet."""
    java = tmp_path / "java"
    (java / "bin").mkdir(parents=True)
    (java / "release").write_text('JAVA_VERSION="17.0.1"\n')
    for name in ("java", "javac"):
        (java / "bin" / name).touch(0o755)
    monkeypatch.setenv("JAVA_HOME", str(java))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}:/usr/bin:/bin")
    monkeypatch.setattr("shutil.which", lambda name: _which(tmp_path / "tools" / name))
    return tmp_path


def _which(file: Path) -> str | None:
    return str(file) if file.exists() else None


def install_maven(machine: Path, end: str = "exit 0") -> Path:
    log = machine / "maven.log"
    maven = machine / "tools" / "mvn"
    maven.parent.mkdir(exist_ok=True)
    maven.write_text(MAVEN.format(log=log, end=end))
    maven.chmod(0o755)
    return log


def cached(machine: Path) -> list[str]:
    names = (entry.name for entry in (machine / "cache" / "yarnhub").iterdir())
    return sorted(name for name in names if name != "lock")


def test_maven_is_called_once_with_strict_checksums_and_the_version(machine):
    log = install_maven(machine)
    steps: list[str] = []
    first = distribution("3.5.0", steps.append)
    second = distribution("3.5.0", steps.append)
    (call,) = log.read_text().splitlines()
    assert "--strict-checksums" in call.split()
    assert "-Dhadoop.version=3.5.0" in call.split()
    assert first == second
    assert len(steps) == 1


def test_a_distribution_has_the_jars_and_directories_of_the_daemons(machine):
    install_maven(machine)
    built = distribution("3.4.2")
    assert sorted(jar.name for jar in (built.home / "lib").iterdir()) == ["a.jar", "b.jar"]
    assert (built.home / "web" / "webapps" / "hdfs" / "WEB-INF" / "web.xml").exists()
    assert not (built.home / "build").exists()


def test_versions_do_not_share_a_directory(machine):
    install_maven(machine)
    assert distribution("3.4.2").home != distribution("3.5.0").home


def test_a_failure_leaves_nothing_and_reports_mavens_reason(machine):
    install_maven(machine, end=REFUSED)
    with pytest.raises(ArtifactsUnavailableError, match="Could not resolve dependencies") as error:
        distribution("3.4.2")
    assert "\n" not in str(error.value)
    assert cached(machine) == []


def test_leftovers_of_a_killed_build_are_not_a_distribution(machine):
    log = install_maven(machine)
    home = distribution("3.4.2").home
    home.rename(home.with_name(f"{home.name}.partial"))
    assert (distribution("3.4.2").home / "lib" / "a.jar").exists()
    assert len(log.read_text().splitlines()) == 2
    assert cached(machine) == [home.name]


def test_two_parallel_processes_build_it_once(machine):
    log = install_maven(machine)
    script = "from yarnhub.minihadoop.artifacts import distribution; distribution()"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([sys.executable, "-c", script], env=env) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(log.read_text().splitlines()) == 1


@pytest.mark.parametrize("version", ["", "3", "latest", "3.4.2/../..", "-X"])
def test_an_invalid_version_is_refused_before_anything_is_made(machine, version):
    install_maven(machine)
    with pytest.raises(SettingsError, match="is not a version of Hadoop"):
        distribution(version)
    assert not (machine / "cache").exists()


def test_without_maven_the_error_says_what_to_do(machine):
    with pytest.raises(MissingToolError, match=r"no Maven .* Install it"):
        distribution("3.4.2")


def test_the_globbed_class_path_names_each_jar(tmp_path):
    (tmp_path / "lib").mkdir()
    for name in ("b.jar", "a.jar", "notice.txt"):
        (tmp_path / "lib" / name).touch()
    built = Distribution("3.4.2", tmp_path, Path("/java"))
    path = built.globbed_classpath(Path("/conf")).split(":")
    assert path == ["/conf", f"{tmp_path}/lib/a.jar", f"{tmp_path}/lib/b.jar"]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "\x1b[0m[ERROR] Failed to execute goal on project minihadoop: Could not resolve"
            " dependencies: could not be resolved: a, b, c: Could not transfer artifact x:y"
            " from/to central (https://repo): repo: Unknown host -> [Help 1]\n[ERROR] \n",
            "Could not transfer artifact x:y from/to central (https://repo): repo: Unknown host",
        ),
        ("[ERROR] Plugin p could not be resolved: x -> [Help 1]\n", "Plugin p could not be"),
        ("Error: JAVA_HOME is not defined correctly\n", "Error: JAVA_HOME is not defined"),
        ("", "it printed nothing"),
    ],
)
def test_mavens_reason_is_one_line(output, reason):
    assert maven_reason(output).startswith(reason)
    assert "\n" not in maven_reason(output)
    assert "[Help" not in maven_reason(output)


def test_python_without_packages_can_fetch_it():
    # As the Dockerfile does, before it installs any.
    script = "from yarnhub.minihadoop.artifacts import distribution"
    subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT, check=True)
