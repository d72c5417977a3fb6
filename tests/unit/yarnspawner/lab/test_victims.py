from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yarnspawner.container.processes import Process
from yarnspawner.lab.victims import is_short, largest

MASTER, SERVER, DAEMON = 10, 11, 12
GIB = 1 << 30


@st.composite
def containers(draw: st.DrawFn) -> tuple[list[Process], dict[int, str]]:
    """A master with a server and a daemon, and processes below the server, some of them kernels."""
    sizes = st.integers(0, 4 * GIB)
    processes = [
        Process(MASTER, 1, draw(sizes)),
        Process(SERVER, MASTER, draw(sizes)),
        Process(DAEMON, MASTER, draw(sizes)),
    ]
    parents = [SERVER]
    for pid in range(100, 100 + draw(st.integers(0, 12))):
        processes.append(Process(pid, draw(st.sampled_from(parents)), draw(sizes)))
        parents.append(pid)
    of_the_server = [process.pid for process in processes if process.parent == SERVER]
    kernels = [pid for pid in of_the_server if draw(st.booleans())]
    return draw(st.permutations(processes)), {pid: f"kernel-{pid}" for pid in kernels}


@given(containers())
def test_the_server_the_master_and_the_daemon_never_end(
    container: tuple[list[Process], dict[int, str]],
) -> None:
    unit = largest(container[0], SERVER, container[1])
    assert unit is None or not {MASTER, SERVER, DAEMON} & set(unit.pids)


@given(containers())
def test_a_kernel_ends_with_its_children_and_no_kernel_uses_more(
    container: tuple[list[Process], dict[int, str]],
) -> None:
    processes, kernels = container
    parents = {process.pid: process.parent for process in processes}
    sizes = {process.pid: process.resident for process in processes}

    def family(root: int) -> set[int]:
        def is_below(pid: int) -> bool:
            return pid == root or (pid in parents and is_below(parents[pid]))

        return {pid for pid in parents if is_below(pid)}

    unit = largest(processes, SERVER, kernels)
    if unit is None:
        assert not any(process.parent == SERVER for process in processes)
        return
    assert unit.resident == sum(sizes[pid] for pid in unit.pids)
    assert all(sum(sizes[pid] for pid in family(root)) <= unit.resident for root in kernels)
    if unit.kernel:
        assert set(unit.pids) == family(unit.pids[0])
        assert kernels[unit.pids[0]] == unit.kernel
    else:
        assert not set(unit.pids) & set(kernels)


def test_a_terminals_shell_stays_and_its_program_ends() -> None:
    processes = [
        Process(SERVER, MASTER, GIB),
        Process(20, SERVER, 100),
        Process(30, SERVER, 10),
        Process(31, 30, 2 * GIB),
        Process(32, 31, GIB),
    ]
    unit = largest(processes, SERVER, {20: "kernel"})
    assert unit is not None
    assert (unit.kernel, set(unit.pids), unit.resident) == ("", {31, 32}, 3 * GIB)


@pytest.mark.parametrize(
    ("used", "short"), [(0, False), (95 * GIB, False), (96 * GIB, True), (200 * GIB, True)]
)
def test_memory_is_short_if_less_than_the_margin_is_left(used: int, short: bool) -> None:
    assert is_short(used, 100 * GIB, 0.05) is short
