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
from yarnhub.errors import ToolError
from yarnhub.options import AsJson, EnvRoot, Quiet, Target

if TYPE_CHECKING:
    from rich.console import Console

    from yarnhub.probes import Outcome


class NodesFailedError(ToolError):
    """Nodes that did not get the environment; says which, and why."""


def warm(
    reference: Target,
    queue: Annotated[
        str, typer.Option(help="The queue to use; who runs this must be allowed to submit to it.")
    ] = "default",
    node: Annotated[
        list[str] | None,
        typer.Option("--node", help="Only this node; can be given several times."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds until it is given up.")] = 900.0,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
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
    from yarnhub.yarn import node_reports, yarn_client

    with yarn_client() as client:
        reports = node_reports(client, NodeState.RUNNING)
    running = {report.node_id.host: report for report in reports}
    missing = [name for name in names or () if name not in running]
    if missing or not running:
        raise typer.BadParameter(
            f"No node {', '.join(missing)} is running; there are: {', '.join(running) or 'none'}."
        )
    return [running[name] for name in names or sorted(running)]


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
