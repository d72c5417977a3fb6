"""The demo, the tests and the image install exact versions of other projects' code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROXY = "configurable-http-proxy"


def test_the_proxy_and_all_that_it_needs_are_locked_with_hashes():
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert locked.pop("")["dependencies"] == wanted
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all(package["integrity"].startswith("sha512-") for package in locked.values())


def test_the_lock_names_no_registry():
    """Each site's npm asks its own registry, and the hashes hold for all of them."""
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in locked.items() if "resolved" in package] == []


def test_pages_and_messages_install_the_locked_version_of_the_proxy():
    version = json.loads((ROOT / "package.json").read_text())["dependencies"][PROXY]
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("yarnhub/**/*.py")]
    installed = {
        file.name: found
        for file in files
        if (found := re.findall(rf"npm install\b.*\b{PROXY}(?:@([\d.]*\d))?", file.read_text()))
    }
    assert {"README.md", "README.zh.md", "tutorial.md", "hub.py"} <= set(installed)
    assert {name: [version] for name in installed} == installed


@pytest.mark.parametrize("file", ["scripts/lib.sh", "docker/Dockerfile"])
def test_npm_installs_the_lock_and_runs_no_scripts_of_packages(file: str):
    lines = [line for line in (ROOT / file).read_text().splitlines() if not line.startswith("#")]
    commands = [
        command for line in lines for command in re.findall(r"\bnpm (?:ci|i|install)\b.*", line)
    ]
    assert len(commands) == 1
    assert commands[0].startswith("npm ci ")
    assert "--ignore-scripts" in commands[0]


def constraints() -> list[str]:
    """The lines of both files, which scripts/lib.sh uses as one."""
    files = (ROOT / "requirements" / f"{name}.txt" for name in ("constraints", "extensions"))
    return [line for file in files for line in file.read_text().splitlines()]


def pinned() -> dict[str, Requirement]:
    lines = constraints()
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"==[\w.+!]+", str(each.specifier)) for each in found)
    assert len({each.name for each in found}) == len(found), "the files name one version of each"
    return {each.name: each for each in found}


def declared(extras: set[str]) -> set[str]:
    """The names of the direct dependencies of these extras."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    options = setup["options.extras_require"]
    lines = [setup["options"]["install_requires"], *(options[extra] for extra in extras)]
    found = [
        Requirement(line)
        for text in lines
        for line in text.splitlines()
        if line and not line.startswith("#")
    ]
    nested = {extra for each in found if each.name == "yarnhub" for extra in each.extras}
    names = {canonicalize_name(each.name) for each in found if each.name != "yarnhub"}
    return names if nested <= extras else names | declared(extras | nested)


@pytest.mark.parametrize("extra", ["demo", "kerberos", "dev", "extensions"])
def test_each_dependency_of_the_demo_the_image_and_the_tests_has_an_exact_version(extra: str):
    versions = pinned()
    assert declared({extra}) - set(versions) <= {"setuptools"}
    assert "tornado" in versions, "a dependency of a dependency"


@pytest.mark.parametrize("file", ["scripts/lib.sh", "docker/Dockerfile"])
def test_pip_installs_these_versions(file: str):
    text = (ROOT / file).read_text().replace("\\\n", " ")
    commands = [line for line in text.splitlines() if "pip install" in line]
    assert commands
    assert [
        line for line in commands if "--constraint" not in line and "--no-deps" not in line
    ] == []


def test_a_requirement_of_a_lane_replaces_the_version_of_the_constraints(tmp_path: Path):
    """`make_venv` passes on to pip all constraints but that of the given requirement."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    python = tmp_path / "venv" / "bin" / "python"
    # In the place of pip: keep the file of the constraints, which is its argument 7.
    python.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/called\ncp "$7" {tmp_path}/used\n')
    python.chmod(0o755)
    # Without the build of JupyterLab's extension, which takes npm a minute in a fresh clone.
    no_extension = "make_labextension() { mkdir -p labextension/dist; }"
    make = f'make_venv dev {tmp_path}/venv "jupyterhub==5.3.*"'
    script = f". scripts/lib.sh; {no_extension}; {make}"
    environment = {**os.environ, "PYTHON": sys.executable}  # so that none is installed
    subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    all_of_them = constraints()
    used = (tmp_path / "used").read_text().splitlines()
    assert [line for line in all_of_them if line not in used] == [str(pinned()["jupyterhub"])]
    assert (tmp_path / "called").read_text().strip().endswith("[dev] jupyterhub==5.3.*")


def test_the_base_of_the_image_can_be_given_by_its_digest():
    """All stages are built on the one argument, which docker-compose.yml passes on."""
    lines = (ROOT / "docker" / "Dockerfile").read_text().splitlines()
    ((_, default),) = [line.split("=") for line in lines if line.startswith("ARG ")]
    stages = [line.split()[1:] for line in lines if line.startswith("FROM ")]
    named = {stage[2] for stage in stages if stage[1:2] == ["AS"]}
    assert {stage[0] for stage in stages} - named == {"$BASE_IMAGE"}
    compose = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"BASE_IMAGE: (.*)", compose) == [f"${{BASE_IMAGE:-{default}}}"]
