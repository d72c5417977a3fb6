"""The rooms may import each other only as far as the design says."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("yarnspawner", "hdfs_contents", "env_packaging", "yarnhub")
STANDARD_LIBRARY = set(sys.stdlib_module_names) | {"__future__"}


def modules(room: str) -> list[Path]:
    folder = ROOT / room
    return [folder.with_suffix(".py")] if not folder.is_dir() else sorted(folder.rglob("*.py"))


def runtime_imports(tree: ast.AST) -> Iterator[str]:
    """All imported modules, those within functions too, but not those for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield node.module or ""
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from runtime_imports(node)


def imports_of(room: str) -> dict[str, set[str]]:
    found = {
        str(path.relative_to(ROOT)): set(runtime_imports(ast.parse(path.read_text())))
        for path in modules(room)
    }
    assert found, f"there is no {room}"
    return found


def offenders(room: str, allowed: tuple[str, ...], *, third_party: bool) -> list[str]:
    """What `room` imports of ours, or of others, beyond what is allowed."""

    def is_allowed(name: str) -> bool:
        if name.partition(".")[0] in OURS:
            return any(
                name == ok or name.startswith(ok + ".") or ok.startswith(name + ".")
                for ok in allowed
            )
        return third_party or name.partition(".")[0] in STANDARD_LIBRARY

    return [
        f"{module} imports {name}"
        for module, names in imports_of(room).items()
        for name in names
        if not is_allowed(name)
    ]


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        (
            "yarnspawner",
            (
                "yarnspawner",
                "env_packaging.registry",
                "env_packaging.manifest",
                "env_packaging.errors",
                "hdfs_contents.filesystem",
                "hdfs_contents.session_store",
            ),
        ),
        ("hdfs_contents", ("hdfs_contents", "yarnspawner.hadoop")),
        ("env_packaging", ("env_packaging", "hdfs_contents.filesystem")),
    ],
)
def test_each_room_imports_only_the_rooms_below_it(room: str, allowed: tuple[str, ...]) -> None:
    assert offenders(room, allowed, third_party=True) == []


def test_hadoops_protocols_stand_on_the_standard_library_alone() -> None:
    found = offenders("yarnspawner/hadoop", ("yarnspawner.hadoop",), third_party=False)
    # Kerberos is the hub's: containers have tokens.
    ours = "yarnspawner/hadoop/kerberos.py imports gssapi"
    assert [line for line in found if not line.startswith(ours)] == []


def test_the_container_side_stands_on_the_standard_library_and_hadoops_protocols() -> None:
    allowed = ("yarnspawner.hadoop", "yarnspawner.container")
    found = offenders("yarnspawner/container", allowed, third_party=False)
    # Its child lives in the user's environment, where the server's own tornado is.
    assert [
        line
        for line in found
        if not line.startswith("yarnspawner/container/singleuser.py imports tornado")
    ] == []


KNOW_A_CLIENT = {f"hdfs_contents/{name}.py" for name in ("native", "access", "jvm")}


def test_only_the_file_system_and_its_parts_know_an_hdfs_client() -> None:
    clients = {"hdfs_native", "pyarrow"}
    for room in OURS:
        for module, names in imports_of(room).items():
            if {name.partition(".")[0] for name in names} & clients:
                assert module in KNOW_A_CLIENT, module


def test_the_registry_that_the_hub_reads_needs_no_packer() -> None:
    heavy = {"conda_pack", "isal"}
    for name in ("registry", "manifest", "errors"):
        (names,) = imports_of(f"env_packaging/{name}").values()
        assert not {imported.partition(".")[0] for imported in names} & heavy
        assert not any(
            imported.startswith("env_packaging.")
            and imported.split(".")[1] not in ("registry", "manifest", "errors")
            for imported in names
        )
