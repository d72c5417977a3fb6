from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from env_packaging.build.preflight import hub_findings
from env_packaging.errors import PrefixError
from env_packaging.manifest import Finding, Package
from env_packaging.pack import pack_and_publish
from env_packaging.registry import resolve
from tests.unit.env_packaging.elf_files import make_elf
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import PROGRAM, install, make_conda, packages_of, write

ROOT = "/apps/envs"


def findings_by_code(filesystem: LocalFileSystem) -> dict[str, Finding]:
    manifest = resolve(filesystem, ROOT, "science").manifest
    return {finding.code: finding for finding in manifest.findings}


def test_missing_files_of_conda_packages_are_a_warning(
    shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    (packages_of(conda) / "noarch_demo.py").unlink()
    pack_and_publish(conda, "science", filesystem, ROOT)
    finding = findings_by_code(filesystem)["clobbered"]
    assert finding.severity == "warning"
    assert finding.members == ("noarch-demo 1.0",)


def editable_by_pip(venv: Path, checkout: Path) -> str:
    info = install(venv, "edited")
    values = {"dir_info": {"editable": True}, "url": f"file://{checkout}"}
    (info / "direct_url.json").write_text(json.dumps(values))
    return f"edited is an editable install from {checkout}, .*uv pip install --python .* {checkout}"


def editable_by_setup_py(venv: Path, checkout: Path) -> str:
    write(packages_of(venv) / "edited.egg-link", f"{checkout}\n.")
    return f"edited is an editable install from {checkout}"


def editable_by_path_file(venv: Path, checkout: Path) -> str:
    write(packages_of(venv) / "mine.pth", f"# a comment\nimport os\n\n{checkout}\n")
    return f"mine.pth adds {checkout} to Python's path"


@pytest.mark.parametrize("make", [editable_by_pip, editable_by_setup_py, editable_by_path_file])
def test_an_editable_install_is_refused_with_its_name_and_a_remedy(
    make: Callable[[Path, Path], str], venv: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    message = make(venv, checkout)
    with pytest.raises(PrefixError, match=message):
        pack_and_publish(venv, "science", filesystem, ROOT)
    assert filesystem.files() == []


def test_path_files_for_directories_inside_are_not_editable_installs(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    (packages_of(venv) / "inner").mkdir()
    write(packages_of(venv) / "inner.pth", "inner\n/no/such/folder\nimport sys\n")
    info = install(venv, "from_a_folder")
    (info / "direct_url.json").write_text('{"dir_info": {}, "url": "file:///build"}')
    assert pack_and_publish(venv, "science", filesystem, ROOT).uploaded


def test_missing_modules_of_a_notebook_server_are_warnings(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    write(packages_of(venv) / "hdfs_contents.py", "raise RuntimeError('no such library')\n")
    manifest = pack_and_publish(venv, "science", filesystem, ROOT).manifest
    warnings = {f.members[0]: f.message for f in manifest.findings if f.code == "module"}
    assert warnings.keys() == {
        "jupyterhub.singleuser",
        "jupyterlab",
        "hdfs_contents",
        "hdfs_native",
    }
    assert "RuntimeError: no such library" in warnings["hdfs_contents"]
    assert "notebooks cannot be kept in HDFS" in warnings["hdfs_contents"]
    assert warnings["jupyterlab"].endswith(f"uv pip install --python {venv}/bin/python jupyterlab")
    write(packages_of(venv) / "pip/__init__.py", "")
    manifest = pack_and_publish(venv, "science", filesystem, ROOT, alias="with-pip").manifest
    assert "-m pip install jupyterlab" in str(manifest.findings)


def test_libraries_that_every_node_must_have_are_noted(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    needed = ["libsystem-only.so.1", "libc.so.6", "libbrought.so.2"]
    (packages_of(venv) / "extension.so").write_bytes(make_elf(needed))
    (packages_of(venv) / "libbrought.so.2").write_bytes(make_elf([]))
    pack_and_publish(venv, "science", filesystem, ROOT)
    members = findings_by_code(filesystem)["outside-library"].members
    mine = [library for library in members if library.endswith("/extension.so)")]
    assert [library.split()[0] for library in mine] == ["libsystem-only.so.1"]


def test_a_library_in_another_directory_of_this_machine_is_a_warning_with_its_place(
    venv: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    elsewhere = tmp_path / "openssl/lib"
    write(elsewhere / "libssl.so.9", "")
    module = make_elf(["libssl.so.9", "libother.so.1"], f"/usr/lib:{elsewhere}")
    (packages_of(venv) / "own_ssl.so").write_bytes(module)
    pack_and_publish(venv, "science", filesystem, ROOT)
    finding = findings_by_code(filesystem)["library-elsewhere"]
    assert finding.severity == "warning"
    assert finding.text.endswith(f"outside of the environment here: libssl.so.9 in {elsewhere}.")


def test_broken_links_are_noted(venv: Path, filesystem: LocalFileSystem) -> None:
    (packages_of(venv) / "broken").symlink_to("nowhere")
    packed = pack_and_publish(venv, "science", filesystem, ROOT)
    assert findings_by_code(filesystem)["broken-link"].members[0].endswith("-packages/broken")
    assert packed.manifest.name == "science"


@pytest.mark.parametrize("search_path", [None, "/usr/lib64"])
def test_an_interpreter_that_needs_a_library_of_this_machine_is_refused(
    search_path: str | None, python_prefix: Path, filesystem: LocalFileSystem
) -> None:
    # bin/python is the real interpreter, but the file shipped under its name needs a library.
    real = python_prefix / "bin" / "real"
    (python_prefix / "bin" / PROGRAM).rename(real)
    (python_prefix / "bin" / "python").symlink_to("real")
    shipped = python_prefix / "bin" / PROGRAM
    shipped.write_bytes(make_elf(["libpython3.so.1.0"], search_path))
    with pytest.raises(PrefixError, match=r"loads libpython3.so.1.0 from a fixed path"):
        pack_and_publish(python_prefix, "science", filesystem, ROOT)
    assert filesystem.files() == []


def test_a_library_that_cannot_be_relocated_is_a_warning(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    # Deep enough for a relative path that is longer than the prefix.
    deep = packages_of(venv) / "/".join("abcdefghijklmnopqrstuvwxyz" * 2) / "deep.so"
    deep.parent.mkdir(parents=True)
    deep.write_bytes(make_elf([], f"{venv}/lib"))
    pack_and_publish(venv, "science", filesystem, ROOT)
    assert findings_by_code(filesystem)["library-path"].members[0].endswith("deep.so")


@pytest.mark.parametrize(
    ("inside", "here", "warned"),
    [
        ("5.3.0", "6.1.1", True),
        ("6.0.0", "6.1.1", False),
        ("6.1.1", None, False),
        (None, "6.1.1", False),
    ],
)
def test_a_jupyterhub_of_another_major_version_than_the_hub_s_is_a_warning(
    inside: str | None, here: str | None, warned: bool
) -> None:
    packages = [Package("jupyterhub", inside)] if inside else []
    found = list(hub_findings(packages, here))
    assert [finding.severity for finding in found] == (["warning"] if warned else [])
