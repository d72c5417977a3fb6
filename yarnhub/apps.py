"""`yarnhub apps` and `yarnhub stop`: the notebook servers on YARN, of all hubs.

Slow imports are inside the commands, so that `--help` stays quick.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from hadoop_client.printable import printable
from yarnhub.errors import ServerNotFoundError, YarnError
from yarnhub.format import age
from yarnhub.options import AsJson, parse_label

if TYPE_CHECKING:
    from rich.table import Table

    from hadoop_client.rpc.blocking import BlockingClient
    from hadoop_client.yarn.reports import ApplicationReport

WATCH_SECONDS = 2.0
STOP_TIMEOUT_SECONDS = 60.0

#: Columns of a terminal that has room for all columns of the table.
WIDE = 80


@dataclass(frozen=True)
class ListedServer:
    """One server on YARN. `node` is empty and `memory_mb` 0 until it has a container.

    `used_mb` is the resident memory that it last reported, in MiB; None if it has not reported any.
    """

    user: str
    server: str
    node: str
    memory_mb: int
    used_mb: int | None
    submitted_ms: int
    state: str
    application_id: str

    @property
    def label(self) -> str:
        """USER or USER/SERVER, as commands take it."""
        return f"{self.user}/{self.server}" if self.server else self.user


def apps(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Update the list until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the notebook servers on YARN.

    The list has the servers of all hubs on the cluster.
    """
    from rich.console import Console
    from rich.live import Live

    if as_json:
        typer.echo(json.dumps([asdict(server) for server in _servers()], indent=2))
        return
    console = Console()
    if not watch:
        servers = _servers()
        console.print(
            _table(servers, console.width) if servers else "There are no servers on YARN."
        )
        return
    with Live(_table(_servers(), console.width), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(WATCH_SECONDS)
            live.update(_table(_servers(), console.width), refresh=True)


def stop(
    label: Annotated[str, typer.Argument(metavar="USER[/SERVER]", help="The server to end.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End a server on YARN, as its user. Unsaved work in it is lost."""
    user, name = parse_label(label)
    servers = [server for server in _servers() if (server.user, server.server) == (user, name)]
    if not servers:
        raise ServerNotFoundError(f"{label} has no server on YARN: see `yarnhub apps`.")
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("Cannot ask without a terminal. Add --yes.")
        typer.confirm(f"End the server of {label}? Unsaved work in it is lost.", abort=True)
    for server in servers:
        _end(server)
        typer.echo(f"Ended {printable(server.label)} ({server.application_id}).")


def _servers() -> list[ListedServer]:
    """Return all servers that have not ended, by user and name."""
    from hadoop_client.yarn.records import ALIVE
    from yarnhub.yarn import server_reports, yarn_client

    with yarn_client() as client:
        servers = [_server(client, report) for report in server_reports(client, ALIVE)]
    return sorted(servers, key=lambda server: (server.user, server.server, server.submitted_ms))


def _server(client: BlockingClient, report: ApplicationReport) -> ListedServer:
    from yarnhub.yarn import server_container, server_name
    from yarnspawner.reported_memory import used_memory_mb

    container = server_container(client, report)
    memory_mb = container.resource.memory_mb if container else 0
    return ListedServer(
        user=report.user,
        server=server_name(report.user, report.name),
        node=container.node_id.host if container else "",
        memory_mb=memory_mb,
        used_mb=used_memory_mb(report, memory_mb),
        submitted_ms=report.submit_time or report.start_time,
        state=report.state.name,
        application_id=str(report.application_id),
    )


def _end(server: ListedServer) -> None:
    """Repeat the kill request until the application has ended, as the hub does."""
    from hadoop_client.yarn.records import ApplicationId
    from hadoop_client.yarn.resourcemanager import FORCE_KILL_APPLICATION, KillApplicationRequest
    from yarnhub.yarn import yarn_client

    request = KillApplicationRequest(
        ApplicationId.parse(server.application_id), "Ended by an administrator."
    )
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    with yarn_client(server.user) as client:
        while not client.call(FORCE_KILL_APPLICATION, request).is_kill_completed:
            if time.monotonic() > deadline:
                raise YarnError(
                    f"YARN has not ended {server.application_id} within "
                    f"{STOP_TIMEOUT_SECONDS:.0f} s: see the ResourceManager's log."
                )
            time.sleep(0.2)


def _table(servers: Iterable[ListedServer], width: int) -> Table:
    """Return the table of all servers, without node and memory on a terminal under 80 columns."""
    from rich.table import Table
    from rich.text import Text

    now = time.time()
    narrow = width < WIDE
    table = Table(box=None, pad_edge=False)
    table.add_column("USER/SERVER", overflow="fold")
    if not narrow:
        table.add_column("NODE", overflow="fold")
        table.add_column("MiB USED", no_wrap=True)
    for title in ("AGE", "STATE", "APPLICATION"):
        table.add_column(title, no_wrap=True)
    for server in servers:
        used = "-" if server.used_mb is None else str(server.used_mb)
        memory = f"{used}/{server.memory_mb}" if server.memory_mb else "-"
        since = age(now - server.submitted_ms / 1000)
        container = () if narrow else (server.node or "-", memory)
        cells = (server.label, *container, since, server.state, server.application_id)
        # Any Hadoop user can choose the name of an application with the tag of a server.
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table
