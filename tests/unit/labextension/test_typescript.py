"""JupyterLab's extension: its own unit tests, and its dependencies."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "labextension"


def test_what_the_extension_shows_is_right() -> None:
    npm = shutil.which("npm")
    if npm is None or not (SOURCE / "node_modules").is_dir():
        pytest.skip("the extension is not built here: scripts/test builds it if npm is there")
    done = subprocess.run(
        [npm, "test", "--silent"], cwd=SOURCE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_the_extension_is_built_with_is_locked_with_hashes() -> None:
    locked = json.loads((SOURCE / "package-lock.json").read_text())["packages"]
    wanted = json.loads((SOURCE / "package.json").read_text())
    assert locked.pop("")["dependencies"] == wanted["dependencies"]
    packages = [package for package in locked.values() if not package.get("inBundle")]
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert [name for name, package in locked.items() if "resolved" in package] == []
