from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from env_packaging.build.plan import Plan
from env_packaging.build.prefix import open_prefix
from env_packaging.build.python_prefix import list_venv
from env_packaging.errors import PrefixError, ReferenceFormatError
from env_packaging.garbage import delete
from env_packaging.inventory import read_folder
from env_packaging.manifest import Finding
from env_packaging.pack import pack_and_publish
from env_packaging.publish import delete_alias
from env_packaging.registry import Reference, resolve
from tests.unit.env_packaging.elf_files import make_elf
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import (
    LIBRARY,
    PROGRAM,
    install,
    make_conda,
    make_venv,
    package_directory_of,
    packages_of,
    run_in,
    unpack,
    write,
)

ROOT = "/apps/envs"
WHERE = "import demo, ssl, sqlite3, sys; print(sys.prefix, sys.base_prefix, demo.value)"


def names_of(plan: Plan) -> set[str]:
    return {member.name for member in plan.members}


def findings_by_code(filesystem: LocalFileSystem) -> dict[str, Finding]:
    manifest = resolve(filesystem, ROOT, "science").manifest
    return {finding.code: finding for finding in manifest.findings}


def test_a_venv_runs_without_its_prefix_and_its_base(
    python_prefix: Path, tmp_path: Path, unpacked: Callable[[Path], Path]
) -> None:
    venv = make_venv(python_prefix, tmp_path / "venv")
    install(venv, "demo")
    environment = unpacked(venv)
    python_prefix.rename(tmp_path / "base moved away")
    assert run_in(environment, "-c", WHERE) == f"{environment} {environment} 42"
    assert not (environment / "pyvenv.cfg").exists()


def test_a_complete_python_runs_at_another_path(
    python_prefix: Path, unpacked: Callable[[Path], Path]
) -> None:
    packages = package_directory_of(python_prefix)
    write(packages / "demo.py", "value = 42\n")
    environment = unpacked(python_prefix)
    assert run_in(environment, "-c", WHERE) == f"{environment} {environment} 42"


def test_a_conda_environment_runs_at_another_path(
    shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem, plan_of
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    write(conda / "pkgs/cached-1/lib.so", "of the package cache")
    (conda / "show").write_text(f"{conda}/share\n")
    packed = pack_and_publish(conda, "science", filesystem, ROOT)
    conda.rename(tmp_path / "moved away")
    environment = unpack(filesystem.at(packed.path), tmp_path / "environment")
    assert run_in(environment, "-c", "import sys; print(sys.prefix)") == str(environment)
    command = (environment / "bin/noarch_demo").read_text().splitlines()[0]
    assert command == f"#!/usr/bin/env {PROGRAM}"
    assert not (environment / "pkgs").exists()
    record = json.loads(next((environment / "conda-meta").glob("noarch*.json")).read_text())
    assert record["link"]["source"] == ""
    packages = {package.name: package for package in packed.manifest.packages}
    assert packages["noarch-demo"].build == "py_0"
    assert packages["pip_demo"].build is None
    assert findings_by_code(filesystem)["prefix-in-text"].members[-1] == "show"


def test_variables_of_conda_are_set_by_an_activation_script(
    shared_python: Path, tmp_path: Path, unpacked: Callable[[Path], Path]
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    values = {"MODE": "it's $HOME", "DATA": f"{conda}/share:{conda}/x", "GONE": "***unset***"}
    state = {"version": 1, "env_vars": values | {"not a name": "x"}}
    write(conda / "conda-meta/state", json.dumps(state))
    environment = unpacked(conda)
    script = f'. {environment}/etc/conda/activate.d/*.sh; echo "$MODE|$DATA|${{GONE-none}}"'
    done = subprocess.run(
        ["sh", "-c", script],
        env={"CONDA_PREFIX": str(environment)},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = f"it's $HOME|{environment}/share:{environment}/x|none\n"
    assert done.stdout == expected


@pytest.mark.parametrize("record", ["{", "[]", '{"name": "x"}', '{"link": 3, "files": []}'])
def test_unreadable_conda_records_are_reported(
    record: str, shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    write(conda / "conda-meta/broken-1-0.json", record)
    with pytest.raises(PrefixError, match=r"conda records of .* cannot be read"):
        pack_and_publish(conda, "science", filesystem, ROOT)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd"])
def test_a_conda_record_cannot_add_a_file_from_outside(
    name: str, shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    record = next((conda / "conda-meta").glob("noarch*.json"))
    values = json.loads(record.read_text())
    values["files"].append(name)
    record.write_text(json.dumps(values))
    packed = pack_and_publish(conda, "science", filesystem, ROOT)
    unpack(filesystem.at(packed.path), tmp_path / "environment")
    assert not list((tmp_path / "environment").rglob("passwd"))
    assert "clobbered" in findings_by_code(filesystem)


def test_commands_find_the_environment_s_python_by_the_path(
    venv: Path, unpacked: Callable[[Path], Path]
) -> None:
    environment = unpacked(venv)
    path = {"PATH": f"{environment}/bin:/usr/bin:/bin"}
    done = subprocess.run(["demo"], env=path, capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


def test_imports_come_from_the_shipped_bytecode(
    venv: Path, unpacked: Callable[[Path], Path]
) -> None:
    environment = unpacked(venv)
    verbose = subprocess.run(
        [environment / "bin/python", "-v", "-c", "import demo, json, ssl"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    loaded = re.findall(r"# code object from (.*)", verbose)
    assert len(loaded) > 10
    assert [file for file in loaded if not file.endswith(".pyc'")] == []


def test_a_venv_s_packages_are_packed_and_its_base_s_are_not(
    python_prefix: Path, tmp_path: Path, plan_of: Callable[[Path], Plan]
) -> None:
    write(package_directory_of(python_prefix) / "of_the_base.py", "")
    venv = make_venv(python_prefix, tmp_path / "venv")
    install(venv, "demo")
    names = {Path(name).name for name in names_of(plan_of(venv))}
    assert "demo.py" in names
    assert "of_the_base.py" not in names


@pytest.fixture
def venv_of_own_libraries(python_prefix: Path, tmp_path: Path) -> Path:
    """A venv of a Python with a module that loads a library of that Python, and through it
    another."""
    library = python_prefix / "lib"
    module = make_elf(["libown.so.1"], f"{library}")
    (python_prefix / LIBRARY / "lib-dynload/_own.so").write_bytes(module)
    (library / "libown.so.1.2").write_bytes(make_elf(["libdeep.so.2", "libc.so.6"], f"{library}"))
    (library / "libown.so.1").symlink_to("libown.so.1.2")
    (library / "libdeep.so.2").write_bytes(make_elf([]))
    (library / "libunused.so.3").write_bytes(make_elf([]))
    return make_venv(python_prefix, tmp_path / "venv")


def test_a_venv_brings_the_libraries_that_its_base_loads_from_its_own_directory(
    venv_of_own_libraries: Path, plan_of: Callable[[Path], Plan]
) -> None:
    plan = plan_of(venv_of_own_libraries)
    assert {"lib/libown.so.1", "lib/libdeep.so.2"} <= names_of(plan)
    assert not names_of(plan) & {"lib/libown.so.1.2", "lib/libunused.so.3"}
    assert [file.member.name for file in plan.files] == sorted(
        file.member.name for file in plan.files
    )


def test_a_changed_library_of_the_base_is_packed(
    venv_of_own_libraries: Path, python_prefix: Path, filesystem: LocalFileSystem
) -> None:
    install(venv_of_own_libraries, "demo")
    first = pack_and_publish(venv_of_own_libraries, "science", filesystem, ROOT)
    (python_prefix / "lib/libdeep.so.2").write_bytes(make_elf(["libc.so.6"]))
    second = pack_and_publish(venv_of_own_libraries, "science", filesystem, ROOT)
    assert second.key != first.key


def test_a_link_from_a_venv_into_its_base_is_packed_as_the_file_it_leads_to(
    python_prefix: Path, venv: Path, plan_of: Callable[[Path], Plan]
) -> None:
    tool = write(python_prefix / "bin/demo", "#!/bin/sh\necho of the base\n", 0o755)
    (venv / "bin/site-tool").symlink_to(tool)
    (venv / "bin/base-demo").symlink_to(tool)  # the venv has a command of that name too
    sources = {file.member.name: file.member.source for file in plan_of(venv).files}
    assert sources["bin/site-tool"] == sources["bin/base-demo"] == tool


def test_a_venv_inside_a_python_is_left_out_and_counted(
    python_prefix: Path, plan_of: Callable[[Path], Plan]
) -> None:
    make_venv(python_prefix, python_prefix / "envs/one")
    plan = plan_of(python_prefix)
    assert not [name for name in names_of(plan) if name.startswith("envs/")]
    assert "venvs inside the environment" in plan.listing.left_out


def test_bin_python_is_always_there(shared_python: Path, plan_of: Callable[[Path], Plan]) -> None:
    assert not (shared_python / "bin/python").exists()
    assert {"bin/python", "bin/python3", f"bin/{PROGRAM}"} <= names_of(plan_of(shared_python))


def test_files_that_no_node_needs_are_left_out_and_counted(
    python_prefix: Path, filesystem: LocalFileSystem, plan_of: Callable[[Path], Plan]
) -> None:
    write(python_prefix / LIBRARY / "site-packages/demo/tests/test_demo.py", "kept = True\n")
    names = names_of(plan_of(python_prefix))
    assert not [name for name in names if "idlelib" in name or "config-" in name]
    assert f"{LIBRARY}/test/test_ssl.py" not in names
    assert f"{LIBRARY}/site-packages/demo/tests/test_demo.py" in names
    pack_and_publish(python_prefix, "science", filesystem, ROOT)
    left_out = {rule.what: rule for rule in resolve(filesystem, ROOT, "science").manifest.left_out}
    tests = left_out["test suites of the standard library"]
    assert (tests.files, tests.size_bytes) == (1, len("left = 'out'\n"))


@pytest.mark.parametrize("fixture", ["python_prefix", "venv"])
def test_the_hub_s_own_pages_are_left_out_and_nothing_else_of_share(
    fixture: str, request: pytest.FixtureRequest, plan_of: Callable[[Path], Plan]
) -> None:
    prefix = request.getfixturevalue(fixture)
    write(prefix / "share/jupyterhub/static/components/page.js", "left = 'out'\n")
    kept = {"share/jupyter/kernels/demo/kernel.json", "share/jupyterhub-themes/dark.css"}
    for name in kept:
        write(prefix / name, "{}\n")
    plan = plan_of(prefix)
    assert {name for name in names_of(plan) if name.startswith("share/")} == kept
    assert plan.listing.left_out["JupyterHub's own pages, which only a hub serves"] == [13]


def test_the_same_content_again_uploads_nothing(venv: Path, filesystem: LocalFileSystem) -> None:
    first = pack_and_publish(venv, "science", filesystem, ROOT)
    changes = len(filesystem.calls)
    second = pack_and_publish(venv, "science", filesystem, ROOT)
    assert (first.uploaded, second.uploaded) == (True, False)
    assert second.key == first.key
    assert len(filesystem.calls) == changes


def test_changed_content_gets_another_key_and_the_alias_moves(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    first = pack_and_publish(venv, "science", filesystem, ROOT)
    install(venv, "another")
    second = pack_and_publish(venv, "science", filesystem, ROOT)
    assert resolve(filesystem, ROOT, "science").key == second.key
    assert resolve(filesystem, ROOT, f"science@{first.key}").key == first.key


def test_a_key_that_is_deleted_before_the_alias_points_at_it_is_published_again(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    """`envs gc` deletes keys without an alias."""
    first = pack_and_publish(venv, "science", filesystem, ROOT)
    delete_alias(filesystem, ROOT, Reference("science"))

    def collect(path: str) -> None:
        if "/.latest." in path:
            (stored,) = read_folder(filesystem, ROOT, "science").stored
            assert delete(filesystem, ROOT, stored)

    filesystem.before["rename"] = collect
    second = pack_and_publish(venv, "science", filesystem, ROOT)
    assert (second.key, second.uploaded) == (first.key, True)
    assert resolve(filesystem, ROOT, "science").key == first.key


def test_an_alias_other_than_latest_leaves_latest_alone(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    first = pack_and_publish(venv, "science", filesystem, ROOT)
    install(venv, "another")
    second = pack_and_publish(venv, "science", filesystem, ROOT, alias="next")
    assert resolve(filesystem, ROOT, "science").key == first.key
    assert resolve(filesystem, ROOT, "science:next").key == second.key


def test_progress_covers_all_files_and_bytes(venv: Path, filesystem: LocalFileSystem) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.phases: list[list[object]] = []

        def begin(self, phase: str, files: int, size_bytes: int) -> None:
            self.phases.append([phase, files, size_bytes, 0, 0])

        def advance(self, files: int, size_bytes: int) -> None:
            self.phases[-1][3] += files  # type: ignore[operator]
            self.phases[-1][4] += size_bytes  # type: ignore[operator]

    recorder = Recorder()
    pack_and_publish(venv, "science", filesystem, ROOT, progress=recorder)
    reading, packing = recorder.phases
    assert reading[1] == reading[3]
    assert packing[1:3] == packing[3:5]
    assert reading[4] == packing[2]


@pytest.mark.parametrize(("name", "alias"), [("../x", "latest"), ("x", "a/b"), ("x", "b.json")])
def test_odd_names_are_refused_before_anything_is_read(
    name: str, alias: str, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    with pytest.raises(ReferenceFormatError):
        pack_and_publish(tmp_path / "missing", name, filesystem, ROOT, alias=alias)


def test_a_pipe_in_a_venv_is_refused(venv: Path, filesystem: LocalFileSystem) -> None:
    os.mkfifo(packages_of(venv) / "pipe", stat.S_IRUSR)
    with pytest.raises(PrefixError, match="pipe is not a regular file"):
        pack_and_publish(venv, "science", filesystem, ROOT)


def test_fedora_s_lib64_becomes_lib_where_the_venv_links_it(
    venv: Path, python_prefix: Path
) -> None:
    (python_prefix / "lib").rename(python_prefix / "lib64")
    prefix = open_prefix(venv)
    assert prefix.base is not None
    stdlib = python_prefix / "lib64" / PROGRAM
    interpreter = replace(
        prefix.base.interpreter, executable=python_prefix / "bin" / PROGRAM, stdlib=stdlib
    )
    fedora = replace(prefix, base=replace(prefix.base, path=python_prefix, interpreter=interpreter))
    members = list_venv(fedora).members
    assert members["lib64"].target == "lib"
    assert members[f"{LIBRARY}/os.py"].source == stdlib / "os.py"
    assert not [name for name in members if name.startswith("lib64/")]
