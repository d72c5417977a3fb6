"""What is public is declared in `__all__`, exists, and is on the page of the Python API."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest
from jupyterhub.traitlets import Callable
from traitlets import Union

from tests.packages import PACKAGES
from yarnspawner.settings import YarnSpawnerSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()

#: hadoop_client has a page and tests of its own.
WITH_THIS_PAGE = [package for package in PACKAGES if package != "hadoop_client"]


def declaring_modules(package: str) -> list[str]:
    """Return the modules of a package that have an `__all__`."""
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in sorted((ROOT / package).rglob("*.py"))
        if any(
            isinstance(node, ast.Assign)
            and any(isinstance(name, ast.Name) and name.id == "__all__" for name in node.targets)
            for node in ast.parse(file.read_text()).body
        )
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_is_public(package: str) -> None:
    text = inspect.getdoc(importlib.import_module(package)) or ""
    assert "ublic" in text
    assert "may change in any release" in text.replace("\n", " ")


@pytest.mark.parametrize("module", [m for p in WITH_THIS_PAGE for m in declaring_modules(p)])
def test_public_names_exist_have_a_docstring_and_are_on_the_page(module: str) -> None:
    loaded = importlib.import_module(module)
    names = {name: getattr(loaded, name) for name in loaded.__all__}
    documented = [
        name for name, value in names.items() if inspect.isclass(value) or inspect.isroutine(value)
    ]
    assert [name for name in documented if not inspect.getdoc(names[name])] == []
    assert f"`{module}`" in PAGE or all(f"`{module}.{name}`" in PAGE for name in names)


def test_each_option_that_takes_a_function_is_on_the_page() -> None:
    hooks = {
        name
        for base in YarnSpawnerSettings.mro()
        if base.__module__.startswith("yarnspawner.")
        for name, trait in base.class_own_traits(config=True).items()
        if isinstance(trait, Callable)
        or (isinstance(trait, Union) and any(isinstance(t, Callable) for t in trait.trait_types))
    }
    assert hooks == {"modify_spec_hook", "profiles", "hadoop_name_hook", "host_map"}
    assert [name for name in hooks if f"| `{name}` |" not in PAGE] == []
