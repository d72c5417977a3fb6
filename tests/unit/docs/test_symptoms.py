"""What troubleshooting.md quotes is what the code says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.packages import PACKAGES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "troubleshooting.md"


def symptoms() -> list[str]:
    return re.findall(r"^> (.+)$", PAGE.read_text(), re.M)


@cache
def sentences() -> str:
    """All texts of the code, one a line, with `…` for each part that is put in."""
    trees = [
        ast.parse(file.read_text())
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
    ]
    texts = [text(node) for tree in trees for node in ast.walk(tree)]
    return "\n".join(filter(None, texts))


def text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # The name of a value in a template of `str.format` stands for it.
        return re.sub(r"\{\w+\}", "…", node.value.replace("\n", " "))
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) or "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text(node.left) + text(node.right)
    return ""


@pytest.mark.parametrize("symptom", symptoms())
def test_what_is_quoted_is_said(symptom: str):
    assert symptom in sentences()


def test_nothing_is_found_in_the_code_that_it_does_not_say():
    assert len(symptoms()) > 30
    assert "The server was not ready within … seconds: it has a bad day" not in sentences()
