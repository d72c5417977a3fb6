"""Environments as kernels: their names, their specs, and the scripts that start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.env_packaging.prefixes import write
from yarnspawner.failures import OptionsError
from yarnspawner.launch.kernels import check_titles, kernel_files, kernel_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Science", "yarnhub-science"),
        ("R & D (2026)", "yarnhub-r-d-2026"),
        ("../../etc", "yarnhub-etc"),
        ("机器学习", "yarnhub-env"),
    ],
)
def test_a_name_is_one_that_jupyter_and_a_shell_take(title: str, name: str):
    assert kernel_name(title) == name


def test_titles_that_could_not_be_told_apart_are_refused():
    check_titles(["Science", "Science 2"])
    with pytest.raises(OptionsError, match="'Science' and 'science!', which give the same"):
        check_titles(["Science", "science!"])


def test_the_spec_has_the_title_as_it_is():
    files = kernel_files('Say "hi"', "env/bin/python")
    spec = json.loads(files["kernels/kernels/yarnhub-say-hi/kernel.json"])
    assert spec["display_name"] == 'Say "hi"'


@pytest.mark.parametrize("where", ["with the container", "on every node"])
def test_the_script_starts_the_environments_python_as_if_activated(where: str, tmp_path: Path):
    container = tmp_path / "a container"
    prefix = container / "env" if where == "with the container" else tmp_path / "lab"
    python = "env/bin/python" if where == "with the container" else f"{prefix}/bin/python"
    python_of_test = f'#!/bin/sh\necho "$CONDA_PREFIX $ACTIVATED"\nexec {sys.executable} "$@"\n'
    write(prefix / "bin/python", python_of_test, 0o755)
    activation = (
        "export ACTIVATED=yes",
        f"export PYTHONPATH={tmp_path / 'lib'}:$NOT_SET",
        "export LD_LIBRARY_PATH=$NOT_SET:$CONDA_PREFIX/lib:.",
        "python -c 'import importlib'",
    )
    write(prefix / "etc/conda/activate.d/x.sh", "\n".join(activation) + "\n")
    for path, content in kernel_files("Lab", python).items():
        (container / path).parent.mkdir(parents=True, exist_ok=True)
        (container / path).write_bytes(content)
    # Neither the program that runs a module nor the kernel is taken from the notebook's directory.
    beside = tmp_path / "notebooks"
    for name in ("ipykernel_launcher.py", "importlib.py", "runpy.py", "sitecustomize.py"):
        write(beside / name, "open('planted', 'w').close()")
    shown = "import os, sys; print(os.environ['LD_LIBRARY_PATH'], os.getcwd(), *sys.argv[1:])"
    write(tmp_path / "lib" / "ipykernel_launcher.py", shown)
    start = container / "kernels/kernels/yarnhub-lab/start"
    done = subprocess.run(
        ["bash", start, "/a/connection file"],
        cwd=beside,
        env={**os.environ, "PYTHONPATH": f"{tmp_path / 'lib'}:"},
        capture_output=True,
        text=True,
        check=True,
    )
    activated, started = done.stdout.splitlines()[-2:]
    assert activated == f"{prefix} yes"
    assert started == f"{prefix}/lib {beside} -f /a/connection file"
    assert not (beside / "planted").exists()
