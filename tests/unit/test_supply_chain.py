"""The demo, the tests and the image install exact versions of other projects' code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("file", ["scripts/lib.sh", "docker/Dockerfile"])
def test_npm_installs_the_lock_and_runs_no_scripts_of_packages(file: str):
    lines = [line for line in (ROOT / file).read_text().splitlines() if not line.startswith("#")]
    commands = [
        command for line in lines for command in re.findall(r"\bnpm (?:ci|i|install)\b.*", line)
    ]
    assert len(commands) == 1
    assert commands[0].startswith("npm ci ")
    assert "--ignore-scripts" in commands[0]
