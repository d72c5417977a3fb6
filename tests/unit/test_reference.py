"""The references are what the traits and the commands say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"


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
