"""The public names exist, are documented, and load on first use."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import hadoop_client

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "hadoop_client.md"

#: Modules of messages and methods. All their names are public.
MESSAGES = (
    "hadoop_client.hdfs.namenode",
    "hadoop_client.yarn.applicationmaster",
    "hadoop_client.yarn.records",
    "hadoop_client.yarn.reports",
    "hadoop_client.yarn.resourcemanager",
)


def public_modules() -> list[str]:
    files = sorted((ROOT / "hadoop_client").rglob("*.py"))
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__init__")]
    return [module.__name__ for module in modules if hasattr(module, "__all__")]


def defined_names(module: str) -> set[str]:
    """The names that a module assigns, and those of its classes and functions."""
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    names = set()
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign):
            names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", hadoop_client.__all__)
def test_a_name_of_the_package_is_public_in_its_module_too(name: str) -> None:
    value = getattr(hadoop_client, name)
    modules = [sys.modules[module] for module in public_modules()]
    assert any(
        getattr(module, name, None) is value and name in module.__all__ for module in modules
    )


@pytest.mark.parametrize("module", public_modules())
def test_a_module_has_its_public_names(module: str) -> None:
    for name in importlib.import_module(module).__all__:
        assert getattr(sys.modules[module], name) is not None


@pytest.mark.parametrize("module", MESSAGES)
def test_all_messages_and_methods_are_public(module: str) -> None:
    assert set(importlib.import_module(module).__all__) == defined_names(module)


def test_the_package_has_no_other_names() -> None:
    assert set(hadoop_client.__all__) <= set(dir(hadoop_client))
    assert set(hadoop_client.__all__) == set(hadoop_client._MODULES)
    with pytest.raises(AttributeError, match="'hadoop_client' has no attribute 'Nothing'"):
        hadoop_client.Nothing  # noqa: B018


def loaded_by(statement: str) -> set[str]:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{statement}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return set(run.stdout.decode().split())


def test_the_package_loads_none_of_its_modules() -> None:
    loaded = loaded_by("import hadoop_client")
    assert not {name for name in loaded if name.startswith("hadoop_client.")}


def test_yarn_needs_no_hdfs_client() -> None:
    assert "hadoop_client.yarn.client" in (
        loaded := loaded_by("from hadoop_client import YarnClient")
    )
    assert not {"hdfs_native", "pyarrow"} & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize("module", public_modules())
def test_the_page_lists_each_public_module(module: str) -> None:
    assert f"`{module}`" in PAGE.read_text()
