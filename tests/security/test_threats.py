"""The tests that the list of threats names exist, and SECURITY.md has the same list."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.security.threats import THREATS

ROOT = Path(__file__).parents[2]


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, functions)}


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_is_held_by_tests_that_exist(threat: str):
    assert THREATS[threat]
    for test in THREATS[threat]:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), f"{threat}: there is no {path}"
        assert name in names_in(path), f"{threat}: {path} has no {name}"


def test_security_md_lists_the_same_cases():
    _, _, section = (ROOT / "SECURITY.md").read_text().partition("## What is tested")
    listed = [line.removeprefix("- ") for line in section.splitlines() if line.startswith("- ")]
    assert listed == list(THREATS)
