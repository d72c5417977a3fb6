"""Packages and modules import each other only in the order that the design gives them."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.packages import PACKAGES

ROOT = Path(__file__).parents[2]
#: And what only type checkers import.
STANDARD_LIBRARY = set(sys.stdlib_module_names) | {"__future__", "typing_extensions"}

#: What each package may import besides itself. The container's side and the registry have tests of
#: their own below.
ALLOWED = {
    "hadoop_client": (),
    "hdfs_contents": ("hadoop_client",),
    "env_packaging": ("hadoop_client",),
    "yarnspawner": (
        "hadoop_client",
        "env_packaging.errors",
        "env_packaging.manifest",
        "env_packaging.registry",
        "hdfs_contents.mount.namespace",
        "hdfs_contents.session.store",
    ),
    "yarnhub": ("hadoop_client", "hdfs_contents", "env_packaging", "yarnspawner"),
}

Graph = dict[str, set[str]]


def module_name(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def source_files(root: Path, packages: Collection[str]) -> dict[str, Path]:
    """Return all modules below `root` by their dotted names."""
    return {
        module_name(file, root): file
        for package in packages
        for file in sorted((root / package).rglob("*.py"))
    }


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield what is imported anywhere: in functions and for type checkers too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_graph(root: Path, packages: Collection[str]) -> Graph:
    """Return which of the modules below `root` each of them imports."""
    files = source_files(root, packages)
    graph: Graph = {}
    for module, file in files.items():
        names = imported_names(ast.parse(file.read_text()))
        targets = {nearest(name, files) for name in names}
        graph[module] = {target for target in targets if target and target != module}
    return graph


def nearest(name: str, modules: Collection[str]) -> str | None:
    """Return the module that `name` is, or is an attribute of; None if it is not one of ours."""
    return next((module for module in (name, name.rpartition(".")[0]) if module in modules), None)


def by_folder(graph: Mapping[str, Collection[str]]) -> Graph:
    """Return the graph of sub-packages; a module directly in a package stands for itself."""

    def folder(module: str) -> str:
        return ".".join(module.split(".")[:2])

    folders: Graph = {}
    for module, targets in graph.items():
        edges = folders.setdefault(folder(module), set())
        edges |= {folder(target) for target in targets} - {folder(module)}
    return folders


def circle(graph: Mapping[str, Collection[str]]) -> list[str]:
    """Return modules that import each other in a circle; none if there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def outside(package: str, allowed: Collection[str], *, third_party: bool) -> list[str]:
    """Return the imports of a package, or of a part of it, that are not allowed."""

    def is_allowed(name: str) -> bool:
        if name.partition(".")[0] in PACKAGES:
            return any(name == ok or name.startswith(ok + ".") for ok in allowed)
        return third_party or name.partition(".")[0] in STANDARD_LIBRARY

    folder = ROOT / package.replace(".", "/")
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    return [
        f"{module_name(file, ROOT)} imports {name}"
        for file in files
        for name in imported_names(ast.parse(file.read_text()))
        if not is_allowed(name)
    ]


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circle(import_graph(ROOT, PACKAGES)) == []


def test_no_sub_package_imports_itself_in_a_circle() -> None:
    assert circle(by_folder(import_graph(ROOT, PACKAGES))) == []


@pytest.mark.parametrize("indentation", ["", "if TYPE_CHECKING:\n    ", "def lazily():\n    "])
def test_a_circle_of_any_kind_is_found(tmp_path: Path, indentation: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "upper.py").write_text("from package import lower\n")
    (package / "lower.py").write_text(f"{indentation}from package.upper import name\n")
    found = circle(import_graph(tmp_path, ["package"]))
    assert set(found) == {"package.upper", "package.lower"}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_imports_only_those_below_it(package: str) -> None:
    assert outside(package, (package, *ALLOWED[package]), third_party=True) == []


@pytest.mark.parametrize("part", ["wire", "configuration", "rpc", "security", "yarn"])
def test_hadoops_protocols_need_the_standard_library_alone(part: str) -> None:
    found = outside(f"hadoop_client.{part}", ("hadoop_client",), third_party=False)
    # Kerberos is for the hub and the edge node: containers have tokens.
    kerberos = "hadoop_client.security.kerberos imports gssapi"
    assert [line for line in found if not line.startswith(kerberos)] == []


def test_the_container_side_needs_the_standard_library_and_hadoops_protocols_alone() -> None:
    allowed = ("hadoop_client", "yarnspawner.container")
    found = outside("yarnspawner.container", allowed, third_party=False)
    # It runs in the user's environment, which has the server's own packages.
    servers = (
        "yarnspawner.container.singleuser imports tornado",
        "yarnspawner.container.mount imports hdfs_contents.mount.namespace",
    )
    assert [line for line in found if not line.startswith(servers)] == []


def test_no_two_public_classes_have_the_same_name() -> None:
    names = Counter(
        node.name
        for file in source_files(ROOT, PACKAGES).values()
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_only_the_file_system_and_its_parts_use_an_hdfs_client() -> None:
    parts = {
        f"hadoop_client.hdfs.{name}" for name in ("native", "new_file", "acl", "libhdfs", "jvm")
    }
    clients = {"hdfs_native", "pyarrow"}
    for module, file in source_files(ROOT, PACKAGES).items():
        names = imported_names(ast.parse(file.read_text()))
        if {name.partition(".")[0] for name in names} & clients:
            assert module in parts


def test_the_registry_that_the_hub_reads_needs_no_packer() -> None:
    light = ("env_packaging.registry", "env_packaging.manifest", "env_packaging.errors")
    for module in light:
        assert outside(module, (*light, "hadoop_client.hdfs"), third_party=False) == []
