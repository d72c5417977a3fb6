"""`scripts/test`, with programs that only note how they are called in the place of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "test"
LIB = """
say() { printf '%s\\n' "$*" >&2; }
die() { say "$*"; exit 1; }
"""
#: The functions of scripts/lib.sh that install something.
PREPARATIONS = re.findall(r"^((?:need|make)_\w+)\(\)", (SCRIPT.parent / "lib.sh").read_text(), re.M)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the script, whose venvs note their calls in `calls`."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts" / "test")
    stubs = "".join(f"{name}() {{ :; }}\n" for name in PREPARATIONS)
    (tmp_path / "scripts" / "lib.sh").write_text(LIB + stubs)
    for program in (".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/python"):
        put(tmp_path / program, 0)
    put(tmp_path / ".venv-oldest/bin/python", 0)
    return tmp_path


def put(program: Path, code: int) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>calls\nexit {code}\n')
    program.chmod(0o755)


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = [tree / "scripts" / "test", *arguments]
    return subprocess.run(script, capture_output=True, text=True, check=False)


def calls(tree: Path, program: str) -> list[str]:
    return [line for line in (tree / "calls").read_text().splitlines() if line.startswith(program)]


@pytest.mark.parametrize(
    ("failing", "named"),
    [
        ((".venv",), "tests"),
        ((".venv-oldest",), "versions-smoke"),
        ((".venv", ".venv-oldest"), "tests versions-smoke"),
    ],
    ids=["the first", "the last", "both"],
)
def test_a_part_that_fails_is_named_at_the_end_and_hides_no_other(
    tree: Path, failing: tuple[str, ...], named: str
):
    for venv in failing:
        put(tree / venv / "bin/python", 1)
    done = run(tree)
    assert done.returncode == 1
    assert f"These parts failed: {named}." in done.stderr.splitlines()[-1]
    for venv in (".venv", ".venv-oldest"):
        assert len(calls(tree, f"{venv}/bin/python -m pytest")) == 1


def test_a_lane_of_which_all_parts_pass_passes(tree: Path):
    for lane in ((), ("unit",), ("full",), ("versions",)):
        done = run(tree, *lane)
        assert done.returncode == 0, done.stderr
        assert "failed" not in done.stderr


def test_no_test_is_run_on_code_that_the_linters_refuse(tree: Path):
    put(tree / ".venv/bin/mypy", 1)
    assert run(tree).returncode == 1
    assert calls(tree, ".venv/bin/python") == []


def test_each_part_records_the_time_of_each_test(tree: Path):
    run(tree)
    parts = calls(tree, ".venv")
    for name, line in zip(("tests", "versions-smoke"), parts[-2:], strict=True):
        assert "--durations 40" in line
        assert f"--junitxml test-artifacts/{name}.xml" in line
