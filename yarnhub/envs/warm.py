"""`yarnhub envs warm`: localizes an environment on each node before users start servers.

A node keeps localized files while its cache has space (yarn.nodemanager.localizer.cache), so later
servers on it start without a download.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from env_packaging.cli import EnvRoot, Quiet
from env_packaging.registry import DEFAULT_ENV_ROOT
from hadoop_client.printable import printable
from yarnhub.errors import ToolError
from yarnhub.options import AsJson, Target

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from hadoop_client.yarn.reports import NodeReport
    from yarnhub.probes import ProbeOutcome


class NodesFailedError(ToolError):
    """Some nodes did not localize the environment; the message lists them and the reasons."""


def warm(
    reference: Target,
    queue: Annotated[
        str,
        typer.Option(metavar="QUEUE", help="The queue to use. You need the right to submit to it."),
    ] = "default",
    node: Annotated[
        list[str] | None,
        typer.Option("--node", metavar="HOST", help="Only this node; can be given several times."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Give up after this time.")
    ] = 900.0,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Localize an environment on each node.

    It runs a container in the environment on each node. YARN downloads and unpacks the environment
    for that, so that later servers on the node do not wait for it.
    """
    from rich.console import Console

    from env_packaging.registry import resolve, storage_errors
    from hadoop_client.hdfs.filesystem import open_filesystem
    from yarnhub.probes import Probe, ProbeRequest, run_probes

    with storage_errors("open HDFS"):
        filesystem = open_filesystem()
    resolve(filesystem, env_root, reference)  # Its error lists the existing environments.
    probes = {report.node_id.host: Probe(node=report) for report in _nodes(node)}
    errors = Console(stderr=True)
    request = ProbeRequest(queue, reference, env_root)
    with _bars(errors, list(probes), shown=errors.is_terminal and not quiet) as bars:
        outcomes = run_probes(probes, request, timeout, bars.show)
    if as_json:
        result = {
            host: {"ok": outcome.ok, "why": outcome.why} for host, outcome in outcomes.items()
        }
        typer.echo(json.dumps(result, indent=1))
    elif not quiet:
        for host, outcome in outcomes.items():
            typer.echo(f"{printable(host)}: {'has it' if outcome.ok else 'failed'}")
    failed = [f"{host}: {outcome.why}" for host, outcome in outcomes.items() if not outcome.ok]
    if failed:
        raise NodesFailedError("\n".join((f"Not every node has {reference}.", *failed)))


def _nodes(names: list[str] | None) -> list[NodeReport]:
    """Return all running nodes, or only the named ones."""
    from hadoop_client.yarn.records import NodeState
    from yarnhub.yarn import node_reports, yarn_client

    with yarn_client() as client:
        reports = node_reports(client, NodeState.RUNNING)
    running = {report.node_id.host: report for report in reports}
    missing = [name for name in names or () if name not in running]
    if not running:
        raise typer.BadParameter("No node is running.")
    if missing:
        raise typer.BadParameter(
            f"No node {', '.join(missing)} is running. Running nodes: "
            f"{printable(', '.join(running), limit=None)}."
        )
    return [running[name] for name in names or sorted(running)]


class _NodeBars:
    """A progress bar for each node; none if `bars` is None."""

    def __init__(self, bars: Progress | None, hosts: list[str]) -> None:
        self._bars = bars
        self._tasks = {
            host: bars.add_task(printable(host), total=None, state="") for host in hosts if bars
        }

    def show(self, host: str, outcome: ProbeOutcome) -> None:
        if self._bars is None:
            return
        state = "has it" if outcome.ok else outcome.state.lower()
        total, completed = (1, 1) if outcome.ok or outcome.why else (None, None)
        self._bars.update(self._tasks[host], total=total, completed=completed, state=state)


@contextmanager
def _bars(console: Console, hosts: list[str], *, shown: bool) -> Iterator[_NodeBars]:
    if not shown:
        yield _NodeBars(None, hosts)
        return
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[state]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console) as bars:
        yield _NodeBars(bars, hosts)
