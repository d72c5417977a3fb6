"""What cannot work on a node is refused by name before the upload, or made to work."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from env_packaging.build.inspection import LARGE_BYTES
from env_packaging.build.preflight import server_failure
from env_packaging.errors import PrefixError
from env_packaging.manifest import Finding, Package
from env_packaging.pack import PackOptions, pack_and_publish
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import install, packages_of, run_in, write

ROOT = "/apps/envs"


def run_command(environment: Path, name: str) -> str:
    path = {"PATH": f"{environment}/bin:/usr/bin:/bin"}
    return subprocess.run([name], env=path, capture_output=True, text=True, check=True).stdout


def test_scripts_of_a_venv_that_was_moved_work_there(
    venv: Path, unpacked: Callable[[Path], Path]
) -> None:
    moved = venv.rename(venv.with_name("moved"))
    assert run_command(unpacked(moved), "demo") == "42\n"


def test_scripts_of_a_venv_that_was_created_through_a_link_work_there(
    shared_python: Path, tmp_path: Path, unpacked: Callable[[Path], Path]
) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "site").symlink_to(real)
    program = shared_python / "bin/python3"
    made = tmp_path / "site/venv"
    subprocess.run([program, "-I", "-m", "venv", "--without-pip", made], check=True)
    install(made, "demo")
    assert run_command(unpacked(real / "venv"), "demo") == "42\n"


def test_a_path_file_with_a_directory_of_the_environment_works_there(
    venv: Path, unpacked: Callable[[Path], Path]
) -> None:
    write(venv / "plugins/site_plugin.py", "value = 'of a plugin'\n")
    write(packages_of(venv) / "plugins.pth", f"# ours\n{venv}/plugins\n")
    environment = unpacked(venv)
    assert run_in(environment, "-c", "import site_plugin as p; print(p.value)") == "of a plugin"


def script_of_another_python(venv: Path) -> tuple[str, str]:
    write(venv / "bin/tool", "#!/srv/other/bin/python3\n", 0o755)
    return "bin/tool", "its interpreter /srv/other/bin/python3 is not in the environment"


def large_script_of_the_environment(venv: Path) -> tuple[str, str]:
    file = write(venv / "bin/bundle", f"#!{venv}/bin/python\n", 0o755)
    with file.open("r+b") as bundle:
        bundle.truncate(LARGE_BYTES + 1)
    return "bin/bundle", f"its interpreter {venv}/bin/python is not in the environment"


def kernel_of_another_environment(venv: Path) -> tuple[str, str]:
    name = "share/jupyter/kernels/other/kernel.json"
    write(venv / name, json.dumps({"argv": ["/srv/other/bin/python", "-m", "ipykernel_launcher"]}))
    return name, "its program /srv/other/bin/python is not in the environment"


def path_file_with_code(venv: Path) -> tuple[str, str]:
    file = packages_of(venv) / "shared.pth"
    write(file, f"import site; site.addsitedir('{venv}/shared')\n")
    return str(file.relative_to(venv)), f"its code names {venv}/shared"


def path_file_with_code_for_a_checkout(venv: Path) -> tuple[str, str]:
    checkout = venv.with_name("checkout")
    checkout.mkdir()
    file = packages_of(venv) / "shared.pth"
    write(file, f"import site; site.addsitedir('{checkout}')\n")
    return str(file.relative_to(venv)), f"its code names {checkout}"


@pytest.mark.parametrize(
    "make",
    [
        script_of_another_python,
        large_script_of_the_environment,
        kernel_of_another_environment,
        path_file_with_code,
        path_file_with_code_for_a_checkout,
    ],
)
def test_a_file_that_cannot_work_on_a_node_is_refused_without_force(
    make: Callable[[Path], tuple[str, str]], venv: Path, filesystem: LocalFileSystem
) -> None:
    name, reason = make(venv)
    with pytest.raises(PrefixError) as refused:
        pack_and_publish(venv, "science", filesystem, ROOT)
    assert f"1 file of {venv} cannot work on a node: {name} ({reason})." in str(refused.value)
    assert "--force" in str(refused.value)
    assert filesystem.calls == []
    options = PackOptions(force=True)
    manifest = pack_and_publish(venv, "science", filesystem, ROOT, options=options).manifest
    (finding,) = [finding for finding in manifest.findings if finding.code == "unusable"]
    assert finding.members == (name,)


def test_a_script_of_a_python_that_every_node_has_is_packed(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    base = run_in(venv, "-c", "import sys; print(sys.base_prefix)")
    write(venv / "bin/tool", f"#!{base}/bin/python3\n", 0o755)
    options = PackOptions(assume_base=True)
    assert pack_and_publish(venv, "science", filesystem, ROOT, options=options).uploaded


def test_programs_and_settings_that_name_the_prefix_are_warned_of_by_name(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    write(venv / "bin/R", f"#!/bin/sh\nexec {venv}/lib/R/bin/R\n", 0o755)
    write(venv / "etc/jupyter/server.json", json.dumps({"static": f"{venv}/static"}))
    write(venv / "share/built.txt", f"--prefix={venv}\n")
    manifest = pack_and_publish(venv, "science", filesystem, ROOT).manifest
    findings = {finding.code: finding for finding in manifest.findings}
    warning = findings["prefix-in-program"]
    assert warning.severity == "warning"
    assert warning.text.endswith("can fail there. Files: bin/R, etc/jupyter/server.json.")
    assert findings["prefix-in-text"].members == ("share/built.txt",)


@pytest.mark.parametrize(
    "code",
    [
        "print('tools loaded')",
        "print('no end', end='')",
        "import atexit; atexit.register(print, 'bye')",
    ],
)
def test_an_interpreter_that_prints_at_its_start_or_end_is_packed(
    code: str, venv: Path, filesystem: LocalFileSystem
) -> None:
    write(packages_of(venv) / "sitecustomize.py", code + "\n")
    assert pack_and_publish(venv, "science", filesystem, ROOT).uploaded


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os; os.abort()", "it ended the interpreter with exit status -6"),
        ("import os; os._exit(3)", "it ended the interpreter with exit status 3"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("print('x', end=''); raise KeyError", "KeyError"),
    ],
)
def test_a_module_that_ends_the_interpreter_is_a_warning(
    source: str, reason: str, venv: Path, filesystem: LocalFileSystem
) -> None:
    write(packages_of(venv) / "jupyterlab.py", source + "\n")
    manifest = pack_and_publish(venv, "science", filesystem, ROOT).manifest
    modules = {f.members[0]: f.message for f in manifest.findings if f.code == "module"}
    assert reason in modules["jupyterlab"]
    assert "hdfs_native" in modules


def test_an_environment_whose_jupyterhub_cannot_be_imported_is_refused_without_force(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    install(venv, "jupyterhub", source="raise ImportError('libx.so')\n")
    with pytest.raises(
        PrefixError, match=r"jupyterhub.singleuser cannot be imported .*libx.so.*--force"
    ):
        pack_and_publish(venv, "science", filesystem, ROOT)
    assert filesystem.calls == []
    assert pack_and_publish(
        venv, "science", filesystem, ROOT, options=PackOptions(force=True)
    ).uploaded


def test_an_environment_of_kernels_only_needs_no_jupyterhub() -> None:
    findings = [Finding("warning", "module", "m", ("jupyterhub.singleuser",))]
    assert server_failure(findings, [Package("ipykernel", "7.0")]) == ""
    assert server_failure(findings, [Package("jupyterhub", "6.1")]) == "m"
