"""A real conda environment, packed, unpacked by YARN itself, and run as somebody else where nothing
of its source is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from env_packaging.registry import DEFAULT_ENV_ROOT, PublishedEnvironment, resolve
from tests.conda_packages import (
    PLACEHOLDER,
    Package,
    add_distribution,
    add_package,
    add_python,
    make_environment,
)
from tests.hadoop.env_tools import as_somebody_else, open_hdfs, pack_env, required_by
from tests.unit.env_packaging.prefixes import write
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop

CONDA = Path(__file__).parents[1] / "conda_program.py"

#: A program as compilers leave it, with the folder that it was built for inside.
SHOW_PREFIX = """
#include <stdio.h>
volatile const char share[] = "%s/share/shown";
int main(void) { puts((const char *)share); return 0; }
"""

#: A project's own build program: what pip asks for a wheel that leads to the project's folder.
BUILD_EDITABLE = """
import zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "linked-1.0.dist-info"
    with zipfile.ZipFile(Path(folder) / "linked-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("linked.pth", str(Path.cwd() / "src") + "\\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: linked\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "linked-1.0-py3-none-any.whl"
"""

#: What each command of the environment prints; the interpreter's own `bin` is first in PATH, as in
#: a server.
RUN_ALL = """
import json, os, ssl, sqlite3, subprocess, sys
os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
def run(name):
    return subprocess.run([name], capture_output=True, text=True, check=True).stdout.strip()
names = ("plain", "replaced", "added", "show-python", "show-prefix")
print(json.dumps({"prefix": sys.prefix, **{name: run(name) for name in names}}))
"""


@dataclass(frozen=True)
class Packed:
    """A conda environment that was published and is gone where it was made."""

    source: Path
    published: PublishedEnvironment


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python, a compiled package, and two noarch ones with a command each."""
    folder = tmp_path_factory.mktemp("packages")
    channel = folder / "channel"
    add_python(channel)
    add_compiled(channel, folder / "compiled")
    for name in ("plain", "replaced"):
        tree, info = folder / name / "site-packages", f"{name}-1.0.dist-info"
        write(tree / f"{name}.py", "def main():\n    print('of conda')\n")
        write(tree / info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        write(tree / info / "INSTALLER", "conda\n")
        files = (f"{name}.py", f"{info}/METADATA", f"{info}/INSTALLER", f"{info}/RECORD")
        write(tree / info / "RECORD", "".join(f"{each},,\n" for each in files))
        commands = (f"{name} = {name}:main",)
        package = Package(name, "1.0", ("python >=3",), noarch=True, entry_points=commands)
        add_package(channel, package, tree.parent)
    return channel


def add_compiled(channel: Path, tree: Path) -> None:
    """A package with its prefix in a binary, in texts, and in what runs when it is activated."""
    source = write(tree.with_suffix(".c"), SHOW_PREFIX % PLACEHOLDER)
    (tree / "bin").mkdir(parents=True)
    subprocess.run(["gcc", "-o", tree / "bin/show-prefix", source], check=True)
    script = f"#!{PLACEHOLDER}/bin/python\nimport sys\nprint(sys.prefix)\n"
    write(tree / "bin/show-python", script, 0o755)
    write(tree / "share/compiled.cfg", f"prefix={PLACEHOLDER}\n")
    add_package(channel, Package("compiled", "3.1"), tree)


@pytest.fixture(scope="module")
def packed(hadoop: MiniHadoop, channel: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """An environment of all of them, in which pip has added one and replaced another."""
    folder = tmp_path_factory.mktemp("conda")
    prefix = make_environment(channel, folder / "lab", ["compiled", "plain", "replaced", "python"])
    for name in ("added", "replaced"):
        pip(prefix, wheel(folder, name, "2.0"))
    done = pack_env(hadoop, prefix, "--name", "conda", "--quiet")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(prefix)
    return Packed(prefix, resolve(open_hdfs(hadoop), DEFAULT_ENV_ROOT, "conda"))


def wheel(folder: Path, name: str, version: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "def main():\n    print('of pip')\n")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def pip(prefix: Path, *what: str | Path) -> None:
    """Run this machine's pip for another Python, with no index to ask."""
    command = [sys.executable, "-m", "pip", "--python", prefix / "bin/python", "install"]
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, *options, "--disable-pip-version-check", *what], check=True)


def test_the_manifest_has_condas_word_and_what_pip_did_to_it(packed: Packed) -> None:
    manifest = packed.published.manifest
    assert manifest.kind == "conda"
    packages = {each.name: (each.version, each.build) for each in manifest.packages}
    assert packages["compiled"] == ("3.1", "h0_0")
    assert packages["plain"] == ("1.0", "pyhd_0")
    assert packages["added"] == ("2.0", None)
    assert re.fullmatch(r"2\.\d+", manifest.glibc_floor)
    findings = {each.code: each for each in manifest.findings}
    assert any("replaced" in each for each in findings["clobbered"].members)
    assert findings["prefix-in-binary"].members == ("bin/show-prefix",)
    assert "share/compiled.cfg" in findings["prefix-in-text"].members


def test_it_runs_as_somebody_else_where_yarn_unpacked_it(
    hadoop: MiniHadoop, packed: Packed, submit, tmp_path: Path, wait_until: Callable[..., Any]
) -> None:
    output = tmp_path / "output"
    command = f"readlink -f environment > {output}.part; mv {output}.part {output}"
    archive = {
        "resource": hadoop.default_fs + packed.published.path,
        "type": "ARCHIVE",
        "visibility": "PUBLIC",
        "size": packed.published.size_bytes,
        "timestamp": packed.published.modification_time_ms,
    }
    submit(hadoop.resourcemanager_url, command, resources={"environment": archive})
    wait_until(output.exists, 120, "the container's output")
    environment = Path(output.read_text().strip())
    hadoop.state.folder.chmod(0o711)  # else nobody but its owner gets to what is for everybody
    files = sorted(environment.rglob("*"))
    assert files
    told = json.loads(as_somebody_else(environment, "-c", RUN_ALL).stdout)
    shown = told.pop("show-prefix")
    assert shown == f"{packed.source}/share/shown"  # in a binary: told by the manifest
    assert told == {
        "prefix": str(environment),
        "show-python": str(environment),
        "plain": "of conda",
        "replaced": "of pip",
        "added": "of pip",
    }
    assert sorted(environment.rglob("*")) == files


def test_what_pip_installed_editable_is_refused_with_what_to_do(
    hadoop: MiniHadoop, channel: Path, tmp_path: Path
) -> None:
    prefix = make_environment(channel, tmp_path / "lab", ["python"])
    project = tmp_path / "project"
    write(project / "src/linked.py", "value = 42\n")
    write(project / "build_linked.py", BUILD_EDITABLE)
    write(
        project / "pyproject.toml",
        '[build-system]\nrequires = []\nbuild-backend = "build_linked"\nbackend-path = ["."]\n',
    )
    pip(prefix, "--editable", project)
    done = pack_env(hadoop, prefix, "--name", "editable", "--quiet")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert f"linked is an editable install from {project}" in done.stderr
    assert not open_hdfs(hadoop).exists(f"{DEFAULT_ENV_ROOT}/editable")


def test_one_is_built_from_an_environment_yml_and_is_gone_afterwards(
    hadoop: MiniHadoop, channel: Path, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "environment.yml",
        f"name: lab\nchannels:\n  - {channel.as_uri()}\ndependencies:\n  - python\n  - plain\n",
    )
    script = f'#!/bin/sh\nexec "{sys.executable}" "{CONDA}" "$@"\n'
    write(tmp_path / "bin/conda", script, 0o755)
    (tmp_path / "tmp").mkdir()
    done = pack_env(
        hadoop,
        *(file, "--name", "built", "--json", "--quiet"),
        PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        TMPDIR=str(tmp_path / "tmp"),
    )
    assert done.returncode == 0, done.stderr
    packages = {each["name"]: each for each in json.loads(done.stdout)["manifest"]["packages"]}
    assert packages["plain"]["build"] == "pyhd_0"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture
def conda_lab(hadoop: MiniHadoop, channel: Path, tmp_path: Path) -> str:
    """A published conda environment of what runs these tests, and gone where it was made."""
    own = tmp_path / "channel"
    shutil.copytree(channel, own)
    wanted = required_by(
        "jupyterlab", "jupyterhub", "ipykernel", "hdfs-native", "pybase64", "yarnhub"
    )
    for name in sorted(wanted):
        add_distribution(own, distribution(name), Path(sys.prefix))
    prefix = make_environment(own, tmp_path / "lab", ["python", *sorted(wanted)])
    done = pack_env(hadoop, prefix, "--name", "condalab", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)["manifest"]["findings"]
    assert [each for each in findings if each["code"] in ("module", "hub-version")] == []
    shutil.rmtree(prefix)
    return "condalab"


@pytest.mark.heavy
async def test_jupyterlab_runs_on_a_node_from_a_conda_environment_that_is_gone(
    conda_lab: str, make_hub: Any
) -> None:
    hub = make_hub(
        f"c.YarnSpawner.python_env = {conda_lab!r}\n"
        "c.YarnSpawner.cmd = ['jupyter-labhub']\n"
        "c.YarnSpawner.args = ['--allow-root']\n"
        "c.YarnSpawner.contents_manager = 'hdfs_contents.HDFSContentsManager'\n"
        "c.YarnSpawner.mem_limit = '1G'\n"
    )
    hub.start_server("alice")
    async with Browser(hub.url, "alice") as browser:
        await browser.log_in("any")
        assert "jupyter-config-data" in await browser.open_lab()
        printed = await browser.run_cell("import sys; print(sys.prefix, sys.base_prefix)")
    own_prefix, base = printed.split()
    assert own_prefix == base
    assert Path(own_prefix).name == "environment"
