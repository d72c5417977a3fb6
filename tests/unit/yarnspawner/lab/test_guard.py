from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from yarnspawner.container.processes import read_process
from yarnspawner.lab.guard import KernelEnd, MemoryGuard

MIB = 1 << 20

#: Takes as much memory as its argument says, in MiB, and waits.
EATER = """
import sys
memory = bytearray(int(sys.argv[1]) << 20)
memory[::4096] = b"x" * len(memory[::4096])
print("ready", flush=True)
sys.stdin.read()
"""


def eater(mib: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", EATER, str(mib)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture
def kernels() -> Iterator[dict[int, str]]:
    """A small and a large kernel of this process."""
    with eater(20) as small, eater(200) as large:
        yield {small.pid: "small", large.pid: "large"}
        for process in (small, large):
            process.kill()


def guard(
    kernels: dict[int, str], spare_mib: int, group: SimpleNamespace | None = None, margin: float = 0
) -> tuple[MemoryGuard, list[KernelEnd]]:
    """A guard of a container that has so much more memory than it uses."""
    used = sum(read_process(pid).resident for pid in (os.getpid(), *kernels))
    ends: list[KernelEnd] = []
    limit = used + spare_mib * MIB
    memory = MemoryGuard(limit, margin, lambda: kernels, ends.append, group)
    # This process may have a Hadoop of other tests, which is not the container's.
    members = (os.getpid(), *kernels)
    memory._tree = SimpleNamespace(  # type: ignore[assignment]
        sample=lambda: [process for pid in members if (process := read_process(pid))]
    )
    return memory, ends


def test_the_largest_kernel_ends_and_no_other(kernels: dict[int, str]) -> None:
    memory, ends = guard(kernels, 0, margin=0.1)
    memory.step()
    small, large = kernels
    (end,) = ends
    assert os.waitpid(large, 0)[1] == signal.SIGKILL
    assert read_process(small) is not None
    assert (end.kernel, end.limit) == ("large", memory.limit)
    assert end.used > end.resident > 200 * MIB
    del kernels[large]
    memory.step()
    assert len(ends) == 1, "its memory is free again"


def test_nothing_ends_while_enough_is_free(kernels: dict[int, str]) -> None:
    memory, ends = guard(kernels, 2000, margin=0.1)
    memory.step()
    assert ends == []
    assert memory.used > 220 * MIB


def test_nothing_ends_without_a_margin(kernels: dict[int, str]) -> None:
    memory, ends = guard(kernels, -100)
    memory.step()
    assert ends == []


def test_no_second_kernel_ends_before_the_first_has_returned_its_memory(
    kernels: dict[int, str],
) -> None:
    memory, ends = guard(kernels, -200, margin=0.1)
    memory._ending, memory._end_due = (list(kernels)[1],), float("inf")
    memory.step()
    assert ends == []


@pytest.mark.parametrize(("used", "count"), [(899, 0), (901, 1)])
def test_a_control_group_decides_if_there_is_one(
    kernels: dict[int, str], used: int, count: int
) -> None:
    group = SimpleNamespace(limit=1000 * MIB, used=lambda: used * MIB)
    memory, ends = guard(kernels, 10_000, group, margin=0.1)
    memory.step()
    assert len(ends) == count
    assert memory.used == used * MIB


def test_linux_ends_a_kernel_before_the_server(kernels: dict[int, str]) -> None:
    memory, _ = guard(kernels, 2000, margin=0.1)
    memory.step()
    for pid in kernels:
        score = Path(f"/proc/{pid}/oom_score_adj").read_text()
        assert score.strip() == "500"


def test_more_samples_are_taken_when_memory_is_in_use(kernels: dict[int, str]) -> None:
    idle, _ = guard(kernels, 20_000)
    busy, _ = guard(kernels, 10)
    assert busy.step() < idle.step()
