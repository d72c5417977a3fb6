"""Pinned versions apply to the Pythons that can have them."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "requirements" / "freeze.py"


@pytest.mark.parametrize(
    ("requires_python", "marker"),
    [
        ("", ""),
        (">=3.8", ""),
        (">=3.10", ""),
        (">=3.11,<4", ' ; python_version >= "3.11"'),
        (">=3.11.5", ' ; python_full_version >= "3.11.5"'),
        (">=3.10.1", ' ; python_full_version >= "3.10.1"'),
    ],
)
def test_an_older_python_chooses_a_version_itself(requires_python: str, marker: str) -> None:
    loader = SourceFileLoader("freeze", str(FILE))
    spec = spec_from_loader("freeze", loader)
    assert spec is not None
    freeze = module_from_spec(spec)
    loader.exec_module(freeze)
    assert freeze.constraint("a", "1", requires_python) == f"a==1{marker}\n"
