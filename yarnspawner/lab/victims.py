"""Which kernel ends when a container's memory runs out. Pure: no I/O.

YARN would end the server with all of its kernels. Ending the largest kernel in time keeps the
others. A unit is what ends as a whole: a kernel with its child processes, or a program that runs in
a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from yarnspawner.container.processes import Process


class Unit(NamedTuple):
    """Processes that end together. `kernel` is the kernel's id, empty for another program."""

    kernel: str
    pids: tuple[int, ...]
    resident: int


def is_short(used: int, limit: int, margin: float) -> bool:
    """Return whether less than the fraction `margin` of the limit is left; bytes."""
    return used > limit * (1 - margin)


def largest(processes: Iterable[Process], server: int, kernels: Mapping[int, str]) -> Unit | None:
    """Return the unit of the server's child processes that uses most; None if it has none.

    `kernels` has the kernels' ids by their process ids. The server itself and processes that it has
    not started, such as the application master and the mount's daemon, belong to no unit.
    """
    members = {process.pid: process for process in processes}
    children: dict[int, list[int]] = {}
    for process in members.values():
        children.setdefault(process.parent, []).append(process.pid)
    units = [
        unit
        for child in children.get(server, ())
        for unit in _units(child, members, children, kernels)
    ]
    return max(units, key=lambda unit: unit.resident, default=None)


def _units(
    pid: int,
    members: Mapping[int, Process],
    children: Mapping[int, list[int]],
    kernels: Mapping[int, str],
) -> list[Unit]:
    """Return the units of a child of the server.

    A program with child processes that is not a kernel, such as a terminal's shell, stays: each of
    its children is a unit.
    """
    roots = [pid] if pid in kernels else children.get(pid, [pid])
    units = []
    for root in roots:
        pids = _descendants(root, children)
        resident = sum(members[member].resident for member in pids)
        units.append(Unit(kernels.get(root, ""), pids, resident))
    return units


def _descendants(root: int, children: Mapping[int, list[int]]) -> tuple[int, ...]:
    found = [root]
    for pid in found:
        found.extend(child for child in children.get(pid, ()) if child not in found)
    return tuple(found)
