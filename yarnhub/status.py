"""`yarnhub status`: the hub, its servers, the nodes and the queues on one screen.

Slow imports are inside the commands, so that `--help` stays quick.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hadoop_client.printable import printable
from yarnhub.format import gibibytes
from yarnhub.options import AsJson, config_option

if TYPE_CHECKING:
    from hadoop_client.yarn.reports import ApplicationReport, NodeReport, QueueInfo

HUB_TIMEOUT_SECONDS = 5.0

NO_CONFIG = "not asked: give its configuration with --config"

ConfigFile = Annotated[Path | None, config_option("ask the hub too")]


@dataclass(frozen=True)
class QueueLine:
    """A queue; memory is in MiB."""

    name: str
    state: str
    used_mb: int
    total_mb: int
    running: int
    waiting: int


@dataclass(frozen=True)
class ClusterStatus:
    """What the command shows; memory is in MiB. `servers` counts by state. `used_mb` and `total_mb`
    are of the running nodes: what YARN has granted, and what they have.

    `servers_used_mb` is the memory in use by the servers that report it, and `servers_granted_mb`
    what YARN has granted to these.
    """

    hub: str
    servers: dict[str, int]
    users: int
    servers_used_mb: int
    servers_granted_mb: int
    nodes: dict[str, int]
    used_mb: int
    total_mb: int
    queues: Sequence[QueueLine]


def status(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the hub, servers, nodes and queues.

    The servers are those of all hubs on the cluster. The queues count all applications of YARN.
    """
    from hadoop_client.yarn.records import ALIVE, NodeState
    from hadoop_client.yarn.resourcemanager import GET_QUEUE_INFO, GetQueueInfoRequest
    from yarnhub.yarn import node_reports, server_reports, yarn_client

    with yarn_client() as client:
        root = client.call(GET_QUEUE_INFO, GetQueueInfoRequest()).queue_info
        seen = summarize(
            _ask_hub(config),
            server_reports(client, ALIVE),
            node_reports(client, *NodeState),
            list(root.leaves()) if root else [],
        )
    if as_json:
        typer.echo(json.dumps(asdict(seen), indent=2))
    else:
        _print(seen)


def summarize(
    hub: str,
    servers: Iterable[ApplicationReport],
    nodes: Iterable[NodeReport],
    queues: Iterable[QueueInfo],
) -> ClusterStatus:
    """Return the status from YARN's reports."""
    servers, nodes = list(servers), list(nodes)
    memory = [(used, granted) for used, granted in map(_memory, servers) if used is not None]
    running = [node for node in nodes if node.state.name == "RUNNING"]
    return ClusterStatus(
        hub,
        _count(report.state.name.lower() for report in servers),
        len({report.user for report in servers}),
        sum(used for used, _ in memory),
        sum(granted for _, granted in memory),
        _count(node.state.name.lower() for node in nodes),
        sum(node.used.memory_mb for node in running),
        sum(node.capability.memory_mb for node in running),
        [_queue(queue) for queue in queues],
    )


def _memory(report: ApplicationReport) -> tuple[int | None, int]:
    """Return the memory of a server in use and granted, in MiB."""
    from yarnspawner.reported_memory import used_memory_mb

    granted_mb = report.resource_usage.used_resources.memory_mb
    return used_memory_mb(report, granted_mb), granted_mb


def _count(states: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return counts


def _queue(queue: QueueInfo) -> QueueLine:
    statistics = queue.statistics
    if statistics is None:
        return QueueLine(queue.name, queue.state.name, 0, 0, 0, 0)
    used = statistics.allocated_memory_mb
    return QueueLine(
        queue.name,
        queue.state.name,
        used,
        used + statistics.available_memory_mb,
        statistics.apps_running,
        statistics.apps_pending,
    )


def _ask_hub(config: Path | None) -> str:
    """Return what the hub answers at the address that servers call it at."""
    if config is None:
        return NO_CONFIG
    from yarnhub.check.hub_address import hub_address
    from yarnhub.check.settings import read_settings
    from yarnhub.node_http import open_url, read_answer

    settings = read_settings(config)
    try:
        address = hub_address(settings.config).api_url if settings.config is not None else ""
        with open_url(address, HUB_TIMEOUT_SECONDS) as answer:
            version = json.loads(read_answer(answer, 1 << 16))["version"]
    except ImportError as error:
        return f"not asked: JupyterHub could not be imported ({error})"
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"does not answer ({error})"
    return f"answers at {address}: JupyterHub {version}"


def _print(seen: ClusterStatus) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    total = sum(seen.servers.values())
    users = f", {seen.users} user{'s' * (seen.users != 1)}" if total else ""
    lines = [
        ("Hub", seen.hub),
        ("Servers", f"{total}{_states(seen.servers)}{users}{_servers_use(seen)}"),
        ("Nodes", f"{sum(seen.nodes.values())}{_states(seen.nodes)}, {_use(seen)} granted"),
    ]
    console = Console()
    facts = Table.grid(padding=(0, 2))
    for label, text in lines:
        facts.add_row(label, Text(printable(text)))
    console.print(facts)
    table = Table(box=None, pad_edge=False)
    table.add_column("QUEUE", overflow="fold")
    for title in ("STATE", "MEMORY", "RUNNING", "WAITING"):
        table.add_column(title, no_wrap=True)
    for queue in seen.queues:
        memory = f"{gibibytes(queue.used_mb)} of {gibibytes(queue.total_mb)} GiB"
        cells = (queue.name, queue.state, memory, str(queue.running), str(queue.waiting))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)


def _states(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{count} {state}' for state, count in counts.items())})" * bool(counts)


def _servers_use(seen: ClusterStatus) -> str:
    """Return the memory in use of that granted; empty if no server reports it."""
    used, granted = gibibytes(seen.servers_used_mb), gibibytes(seen.servers_granted_mb)
    return f", {used} of their {granted} GiB in use" * bool(seen.servers_granted_mb)


def _use(seen: ClusterStatus) -> str:
    return f"{gibibytes(seen.used_mb)} of {gibibytes(seen.total_mb)} GiB"
