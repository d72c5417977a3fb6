"""An environment gives the same answers on a node as where it was made.

It is packed, unpacked elsewhere, read-only, and asked as another user after its prefix has moved
away.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from env_packaging.pack import pack_and_publish
from tests.hadoop.env_tools import as_somebody_else
from tests.unit.env_packaging import kinds
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import unpack

ANSWERS = Path(__file__).with_name("answers.py").read_text()

LONG = "d" * 120

CHEAP = {"venv": kinds.by_venv, "conda's records": kinds.by_conda_s_records}

HEAVY = {
    "uv, a long path": kinds.by_uv(LONG),
    "uv, a path with spaces": kinds.by_uv("my team's"),
    "uv, relocatable": kinds.by_uv("relocatable", "--relocatable"),
    "uv, inherited packages": kinds.by_uv_with_inherited_packages,
    "virtualenv": kinds.by_virtualenv(),
    "virtualenv --copies": kinds.by_virtualenv("--copies"),
    "a complete Python": kinds.complete_python,
    "a Python with libraries of its own": kinds.of_a_python_with_its_own_libraries,
    "a venv that was moved": kinds.that_was_moved,
    "a venv through a link": kinds.through_a_link,
    "rattler": kinds.by_rattler("plain"),
    "rattler, a long path": kinds.by_rattler(LONG),
    "rattler, a path with spaces": kinds.by_rattler("data team"),
}

if kinds.DEBIAN.exists():
    HEAVY |= {
        "Debian's Python": kinds.by_uv("debian", python=kinds.DEBIAN),
        "Debian's Python, inherited packages": kinds.by_uv(
            "debian", "--system-site-packages", python=kinds.DEBIAN
        ),
    }
HEAVY |= {f"Python {path.parts[-3]}": kinds.by_uv("env", python=path) for path in kinds.OTHERS}

#: Commands that are the interpreter, or that only a shell reads.
NOT_ASKED = re.compile(r"python.*|[aA]ctivate.*|deactivate.*|idle.*|2to3.*|pydoc.*")


#: Characters that shells, shebangs and path files read in their own ways.
NAMES = st.text("ab.-_ '\"$#%&é数", min_size=1, max_size=70).filter(
    lambda name: name == name.strip() and name not in (".", "..")
)


@pytest.fixture
def node() -> Iterator[Path]:
    """A directory that other users may enter."""
    with tempfile.TemporaryDirectory(prefix="node-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)
        subprocess.run(["chmod", "-R", "u+w", directory], check=True)


def answers_here(prefix: Path, commands: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [prefix / "bin/python", "-I", "-c", ANSWERS, *commands],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.mark.heavy
@settings(max_examples=8, deadline=None, phases=[Phase.generate])  # to shrink takes too long
@given(name=NAMES, moved=st.booleans())
def test_the_answers_do_not_depend_on_the_name_of_the_directory(name: str, moved: bool) -> None:
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as node:
        Path(node).chmod(0o755)
        (Path(made) / "hdfs").mkdir(0o755)
        prefix = kinds.by_uv(name)(Path(made))
        if moved:
            prefix = prefix.rename(Path(made) / name / "moved")
        answers = compare(prefix, LocalFileSystem(Path(made) / "hdfs"), Path(node))
        subprocess.run(["chmod", "-R", "u+w", node], check=True)
        assert answers["commands"]["probe"] == [0, "2.0\n"]


def compare(prefix: Path, filesystem: LocalFileSystem, node: Path) -> dict[str, Any]:
    """Ask an environment here and on a node, and return the answers; they must be equal."""
    commands = sorted(
        path.name for path in (prefix / "bin").iterdir() if not NOT_ASKED.fullmatch(path.name)
    )
    here = answers_here(prefix, commands)
    packed = pack_and_publish(prefix, "science", filesystem, "/apps/envs")
    prefix.rename(prefix.with_name("moved away"))
    environment = unpack(filesystem.at(packed.path), node / "environment")
    there = json.loads(as_somebody_else(environment, "-I", "-c", ANSWERS, *commands).stdout)
    questions = set(here)
    if here["commands"]["probe"][0] == 127:
        # In a venv that was moved, scripts and directories in path files work on a node only.
        questions -= {"commands", "path", "modules", "kernels"}
    for question in questions:
        assert there[question] == here[question], question
    return there


@pytest.mark.parametrize(
    "kind", [*CHEAP, *(pytest.param(kind, marks=pytest.mark.heavy) for kind in HEAVY)]
)
def test_an_environment_gives_the_same_answers_on_a_node(
    kind: str, tmp_path: Path, filesystem: LocalFileSystem, node: Path
) -> None:
    prefix = {**CHEAP, **HEAVY}[kind](tmp_path)
    link_works = (prefix / "bin/linked-tool").exists()  # not in a venv that was moved
    answers = compare(prefix, filesystem, node)
    assert answers["versions"]["probe"] == "2.0"
    assert answers["commands"]["probe"] == [0, "2.0\n"]
    assert answers["commands"]["linked-tool"] == ([0, "run\n"] if link_works else [127, ""])
    assert "site_plugin" in answers["modules"]
    assert answers["kernels"] == {"own": True}
