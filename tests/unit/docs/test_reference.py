"""The references are what the traits and the commands say."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.packages import PACKAGES

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def writer(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_was_written_anew_since_the_options_changed():
    assert (DOCS / "reference.md").read_text() == writer("make_reference").reference(), (
        "run python docs/make_reference.py"
    )


def test_the_reference_was_written_anew_since_the_commands_changed():
    assert (DOCS / "commands.md").read_text() == writer("make_commands").commands(), (
        "run python docs/make_commands.py"
    )


@pytest.mark.parametrize("name", ["reference", "commands"])
def test_a_reference_is_of_the_tree_that_its_writer_is_in_and_of_no_installed_copy(
    name: str, tmp_path: Path
):
    installed, tree = tmp_path / "installed", tmp_path / "tree"
    (tree / "docs").mkdir(parents=True)
    shutil.copy(DOCS / f"make_{name}.py", tree / "docs")
    for package in PACKAGES:
        (installed / package).mkdir(parents=True)
        (installed / package / "__init__.py").write_text("raise ImportError('an old copy')\n")
        (tree / package).symlink_to(ROOT / package)
    subprocess.run(
        [sys.executable, tree / "docs" / f"make_{name}.py"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=True,
    )
    assert (tree / "docs" / f"{name}.md").read_text() == (DOCS / f"{name}.md").read_text()
