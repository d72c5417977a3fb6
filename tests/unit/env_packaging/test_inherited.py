"""Venvs that inherit the packages of their base."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from env_packaging.build.fingerprint import fingerprint
from env_packaging.build.plan import Plan
from env_packaging.build.prefix import open_prefix
from env_packaging.pack import pack_and_publish
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import (
    LIBRARY,
    install,
    make_conda,
    make_venv,
    package_directory_of,
    run_in,
    write,
)

ROOT = "/apps/envs"


def test_a_venv_that_inherits_its_base_s_packages_includes_them(
    python_prefix: Path, tmp_path: Path, plan_of: Callable[[Path], Plan]
) -> None:
    base_packages = package_directory_of(python_prefix)
    write(base_packages / "of_the_base.py", "")
    write(base_packages / "of_the_base/tests/test_kept.py", "")
    venv = make_venv(python_prefix, tmp_path / "venv", "--system-site-packages")
    names = {Path(member.name).name for member in plan_of(venv).members}
    assert {"of_the_base.py", "test_kept.py"} <= names


def test_a_directory_that_an_inherited_package_links_is_packed(
    python_prefix: Path, tmp_path: Path, plan_of: Callable[[Path], Plan]
) -> None:
    """As the data of Debian's packages, which are in /usr/share."""
    base_packages = package_directory_of(python_prefix)
    shared = write(tmp_path / "share/demo/data.txt", "data").parent
    (shared / "loop").symlink_to(base_packages)
    (base_packages / "demo").mkdir()
    (base_packages / "demo/data").symlink_to(shared)
    venv = make_venv(python_prefix, tmp_path / "venv", "--system-site-packages")
    install(venv, "own")
    name = f"{LIBRARY}/base-packages/demo/data/data.txt"
    assert name in {member.name for member in plan_of(venv).members}
    prefix = open_prefix(venv)
    before = fingerprint(prefix, "")
    assert fingerprint(prefix, "") == before
    write(shared / "data.txt", "other data")
    assert fingerprint(prefix, "") != before


VERSIONS = """
import importlib.metadata, importlib.util, sys
import both, only_base, through_path_file
both_versions = [d.version for d in importlib.metadata.distributions(name="both")]
print(both.value, both_versions, importlib.metadata.version("only_base"), only_base.value)
print(importlib.util.find_spec("both_old"), through_path_file.value)
print([path[len(sys.prefix):] for path in sys.path if "-packages" in path])
"""


def test_inherited_packages_come_after_the_venv_s_own_as_here(
    python_prefix: Path, tmp_path: Path, unpacked: Callable[[Path], Path]
) -> None:
    base_packages = package_directory_of(python_prefix)
    inherited = [("both", "1.0", "value = 'of the base'\n"), ("only_base", "3.0", "value = 3\n")]
    for name, version, source in inherited:
        write(base_packages / f"{name}.py", source)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        write(base_packages / f"{name}-{version}.dist-info/METADATA", metadata)
    write(base_packages / "more/through_path_file.py", "value = 'of a path file'\n")
    write(base_packages / "more/both.py", "value = 'of a path file'\n")
    write(base_packages / "more.pth", "more\n")
    venv = make_venv(python_prefix, tmp_path / "venv", "--system-site-packages")
    install(venv, "both", "2.0", "value = 'of the venv'\n")
    here = run_in(venv, "-c", VERSIONS).splitlines()
    environment = unpacked(venv)
    python_prefix.rename(tmp_path / "base moved away")
    there = run_in(environment, "-c", VERSIONS).splitlines()
    assert there[:2] == here[:2]
    assert there[0] == "of the venv ['2.0', '1.0'] 3.0 3"
    _own, base, more = ast.literal_eval(there[2])
    assert (base, more) == (f"/{LIBRARY}/base-packages", f"/{LIBRARY}/base-packages/more")


def test_the_manifest_has_the_version_that_is_imported(
    python_prefix: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    metadata = "Metadata-Version: 2.1\nName: both\nVersion: 1.0\n"
    write(package_directory_of(python_prefix) / "both-1.0.dist-info/METADATA", metadata)
    venv = make_venv(python_prefix, tmp_path / "venv", "--system-site-packages")
    install(venv, "both", "2.0")
    packed = pack_and_publish(venv, "science", filesystem, ROOT)
    assert [package.version for package in packed.manifest.packages] == ["2.0"]


def test_a_venv_of_a_conda_environment_inherits_its_packages(
    shared_python: Path, tmp_path: Path, unpacked: Callable[[Path], Path]
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    venv = make_venv(conda, tmp_path / "venv", "--system-site-packages")
    install(venv, "noarch_demo", "2.0", "value = 'of the venv'\n")
    environment = unpacked(venv)
    script = "import noarch_demo, pip_demo; print(noarch_demo.value, pip_demo.value)"
    assert run_in(environment, "-c", script) == "of the venv 42"
