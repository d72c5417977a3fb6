from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from yarnspawner.container.processes import read_process
from yarnspawner.lab import usage
from yarnspawner.lab.usage import ProcessTree, own_control_group

CONTAINER = "container_e17_1700000000000_0042_01_000001"
MIB = 1 << 20

#: Starts a child, prints its process id, and waits for the end of its input.
PARENT = """
import subprocess, sys
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """The process ids of a process and of its child."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.communicate(b"")


def test_the_tree_has_descendants_and_no_other_processes(family: tuple[int, int]) -> None:
    parent, child = family
    processes = ProcessTree(parent).sample()
    assert {process.pid: process.parent for process in processes} == {
        parent: os.getpid(),
        child: parent,
    }
    assert all(process.resident > 0 for process in processes)


def test_processes_are_added_and_removed(
    family: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "SEARCH_SECONDS", 0.0)
    tree = ProcessTree(os.getpid())
    assert set(family) <= {process.pid for process in tree.sample()}
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as late:
        assert late.pid in {process.pid for process in tree.sample()}
    assert late.pid not in {process.pid for process in tree.sample()}


def test_resident_memory_is_the_systems_figure() -> None:
    own = read_process(os.getpid())
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    assert own is not None
    assert own.resident == pytest.approx(int(line.split()[1]) * 1024, rel=0.2)


@pytest.fixture
def membership(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def test_the_memory_of_a_group_of_version_2(tmp_path: Path, membership: Path) -> None:
    membership.write_text(f"0::/hadoop-yarn/{CONTAINER}\n")
    directory = tmp_path / "hadoop-yarn" / CONTAINER
    directory.mkdir(parents=True)
    (directory / "memory.max").write_text(f"{512 * MIB}\n")
    (directory / "memory.current").write_text(f"{300 * MIB}\n")
    (directory / "memory.stat").write_text(f"anon 1\ninactive_file {100 * MIB}\nfile 3\n")
    group = own_control_group(CONTAINER, groups=tmp_path, membership=membership)
    assert group is not None
    assert (group.limit, group.used()) == (512 * MIB, 200 * MIB)


def test_the_memory_of_a_group_of_version_1(tmp_path: Path, membership: Path) -> None:
    membership.write_text(f"5:cpu:/hadoop-yarn/{CONTAINER}\n4:memory:/hadoop-yarn/{CONTAINER}\n")
    directory = tmp_path / "memory" / "hadoop-yarn" / CONTAINER
    directory.mkdir(parents=True)
    (directory / "memory.limit_in_bytes").write_text(f"{512 * MIB}\n")
    (directory / "memory.usage_in_bytes").write_text(f"{300 * MIB}\n")
    (directory / "memory.stat").write_text(f"inactive_file 5\ntotal_inactive_file {100 * MIB}\n")
    group = own_control_group(CONTAINER, groups=tmp_path, membership=membership)
    assert group is not None
    assert (group.limit, group.used()) == (512 * MIB, 200 * MIB)


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("0::/", "1000"),
        ("0::/system.slice/hadoop-yarn-nodemanager.service", "1000"),
        (f"0::/hadoop-yarn/{CONTAINER}", "max"),
        (f"4:memory:/hadoop-yarn/{CONTAINER}", "9223372036854771712"),
        (f"4:cpu:/hadoop-yarn/{CONTAINER}", "1000"),
    ],
)
def test_a_group_of_others_or_without_a_limit_is_not_used(
    line: str, limit: str, tmp_path: Path, membership: Path
) -> None:
    membership.write_text(line + "\n")
    _, controllers, path = line.split(":")
    directory = tmp_path / controllers / path.lstrip("/")
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("memory.max", "memory.limit_in_bytes"):
        (directory / name).write_text(limit)
    assert own_control_group(CONTAINER, groups=tmp_path, membership=membership) is None
