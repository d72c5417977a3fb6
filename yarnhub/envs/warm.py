"""`yarnhub envs warm`: has each node localize an environment before people come.

A node keeps what it has localized as long as its cache has room (yarn.nodemanager.localizer.cache):
who starts a server there later waits for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from env_packaging.registry import DEFAULT_ENV_ROOT
from yarnhub.apps import ToolError

if TYPE_CHECKING:
    from rich.console import Console

    from yarnhub.probes import Outcome


class NodesFailedError(ToolError):
    """Nodes that did not get the environment; says which, and why."""


def warm(
    reference: Annotated[str, typer.Argument(help="NAME, NAME:ALIAS or NAME@KEY.")],
    queue: Annotated[
        str, typer.Option(help="The queue to use; who runs this must be allowed to submit to it.")
    ] = "default",
    node: Annotated[
        list[str] | None,
        typer.Option("--node", help="Only this node; can be given several times."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds until it is given up.")] = 900.0,
    env_root: Annotated[
        str, typer.Option("--env-root", help="The folder in HDFS for all environments.")
    ] = DEFAULT_ENV_ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Have each node localize an environment, and run its Python once."""
    from rich.console import Console

    from env_packaging.registry import resolve, storage_errors
    from hadoop_client.hdfs.filesystem import open_filesystem
    from yarnhub.probes import Probe, ProbeRequest, run_probes

    with storage_errors("open HDFS"):
        filesystem = open_filesystem()
    resolve(filesystem, env_root, reference)  # its errors say what there is
    probes = {each.node_id.host: Probe(node=each) for each in _nodes(node)}
    errors = Console(stderr=True)
    wanted = ProbeRequest(queue, reference, env_root)
    with _bars(errors, list(probes), shown=errors.is_terminal and not quiet) as bars:
        outcomes = run_probes(probes, wanted, timeout, bars.show)
    if as_json:
        told = {host: {"ok": each.ok, "why": each.why} for host, each in outcomes.items()}
        typer.echo(json.dumps(told, indent=1))
    elif not quiet:
        for host, each in outcomes.items():
            typer.echo(f"{host}: {'has it' if each.ok else 'failed'}")
    failed = [f"{host}: {each.why}" for host, each in outcomes.items() if not each.ok]
    if failed:
        raise NodesFailedError("\n".join((f"Not every node has {reference}.", *failed)))


def _nodes(names: list[str] | None) -> list[Any]:
    """Return the nodes that run, or those of them that are named."""
    from hadoop_client.yarn.records import NodeState
    from hadoop_client.yarn.resourcemanager import GET_CLUSTER_NODES, GetClusterNodesRequest
    from yarnhub.apps import connected

    with connected() as yarn, yarn.client() as client:
        request = GetClusterNodesRequest(node_states=(NodeState.RUNNING,))
        found = client.call(GET_CLUSTER_NODES, request).node_reports
    running = {each.node_id.host: each for each in found}
    missing = [each for each in names or () if each not in running]
    if missing or not running:
        raise typer.BadParameter(
            f"No node {', '.join(missing)} is running; there are: {', '.join(running) or 'none'}."
        )
    return [running[each] for each in names or sorted(running)]


class _Bars:
    """A bar for each node, which moves until the node has what it is to have."""

    def __init__(self, bars: Any, hosts: list[str]) -> None:
        self._bars = bars
        self._tasks = {host: bars and bars.add_task(host, total=None, state="") for host in hosts}

    def show(self, host: str, outcome: Outcome) -> None:
        if self._bars is None:
            return
        state = "has it" if outcome.ok else outcome.state.lower()
        done = {"total": 1, "completed": 1} if outcome.ok or outcome.why else {}
        self._bars.update(self._tasks[host], state=state, **done)


@contextmanager
def _bars(console: Console, hosts: list[str], *, shown: bool) -> Iterator[_Bars]:
    if not shown:
        yield _Bars(None, hosts)
        return
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[state]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console) as bars:
        yield _Bars(bars, hosts)
