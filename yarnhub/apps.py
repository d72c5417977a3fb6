"""The servers on YARN, whichever hub started them: `yarnhub apps`, `yarnhub stop`.

A server is recognised by the tag that each start gives to its application. What is heavy is
imported when a command runs, so that `--help` stays quick.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from hadoop_client.rpc.blocking import BlockingClient
    from hadoop_client.yarn.records import ApplicationState
    from hadoop_client.yarn.reports import ApplicationReport, ContainerReport

WATCH_SECONDS = 2.0
STOP_TIMEOUT_SECONDS = 60.0

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


class ToolError(Exception):
    """What was asked for can't be done: one sentence that says why."""

    exit_code = 1


class ServerNotFoundError(ToolError):
    """Nobody of that name has a server of that name on YARN."""

    exit_code = 4


class NoClusterError(ToolError):
    """YARN refused or did not answer, or there is no configuration that says where it is."""

    exit_code = 6


@dataclass(frozen=True)
class Server:
    """One server on YARN. `node` is empty and `memory_mb` 0 until it has a container."""

    user: str
    server: str
    node: str
    memory_mb: int
    submitted_ms: int
    state: str
    application_id: str

    @property
    def label(self) -> str:
        """USER or USER/SERVER, as commands take it."""
        return f"{self.user}/{self.server}" if self.server else self.user


def server_name(user: str, application_name: str) -> str:
    """Return a server's name from its application's, which the spawner makes of it."""
    return application_name.removeprefix(f"jupyterhub-{user}").removeprefix("-")


def parse_label(label: str) -> tuple[str, str]:
    """Split USER or USER/SERVER."""
    user, _, server = label.partition("/")
    if not user:
        raise typer.BadParameter(f"{label!r} names no user: write USER or USER/SERVER.")
    return user, server


def age(seconds: float) -> str:
    """Say how long something has been there, in its two largest units."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def apps(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the notebook servers that are on YARN, of all hubs on the cluster."""
    from rich.console import Console
    from rich.live import Live

    if as_json:
        typer.echo(json.dumps([asdict(each) for each in _servers()], indent=2))
        return
    console = Console()
    if not watch:
        servers = _servers()
        console.print(_table(servers) if servers else "No server is on YARN.")
        return
    with Live(_table(_servers()), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(WATCH_SECONDS)
            live.update(_table(_servers()), refresh=True)


def stop(
    label: Annotated[str, typer.Argument(metavar="USER[/SERVER]", help="Whose server.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """End a server on YARN, as its user. What is not saved in it is lost."""
    user, name = parse_label(label)
    found = [each for each in _servers() if (each.user, each.server) == (user, name)]
    if not found:
        raise ServerNotFoundError(f"{label} has no server on YARN: see `yarnhub apps`.")
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("Nobody can be asked here: add --yes.")
        typer.confirm(f"End the server of {label}? What is not saved is lost.", abort=True)
    for server in found:
        _end(server)
        typer.echo(f"Ended {server.label} ({server.application_id}).")


class _Yarn:
    """YARN, asked as the hub; what is done for a user is done as that user."""

    def __init__(self) -> None:
        from hadoop_client.configuration import Configuration
        from hadoop_client.security import kerberos

        configuration = Configuration.load()
        self.hub_user = kerberos.own_user(configuration)
        self._addresses = configuration.resourcemanager_addresses()
        self._prepare = kerberos.logins(configuration, kerberos.RESOURCEMANAGER)

    def client(self, user: str | None = None) -> BlockingClient:
        from hadoop_client.rpc.blocking import BlockingClient
        from hadoop_client.rpc.call import Login
        from hadoop_client.yarn.resourcemanager import APPLICATION_CLIENT_PROTOCOL

        login = Login(user, self.hub_user) if user else Login(self.hub_user)
        return BlockingClient(
            self._addresses, APPLICATION_CLIENT_PROTOCOL, login, prepare=self._prepare
        )


@contextmanager
def connected() -> Iterator[_Yarn]:
    """Yield YARN; what it refuses, and that it does not answer, becomes a sentence."""
    from hadoop_client.configuration import ConfigurationError
    from hadoop_client.rpc.call import ConnectError, RpcError

    try:
        yield _Yarn()
    except ConfigurationError as error:
        raise NoClusterError(str(error)) from error
    except ConnectError as error:
        raise NoClusterError(error.about("YARN")) from error
    except RpcError as error:
        raise NoClusterError(f"YARN refused: {error}.") from error


def _servers() -> list[Server]:
    """Return all servers that have not ended, by user and name."""
    from hadoop_client.yarn.records import ApplicationState

    alive = tuple(state for state in ApplicationState if not state.ended)
    with connected() as yarn, yarn.client() as client:
        servers = [_server(client, each) for each in reports_of_servers(client, alive)]
    return sorted(servers, key=lambda each: (each.user, each.server, each.submitted_ms))


def reports_of_servers(
    client: BlockingClient, states: tuple[ApplicationState, ...] = ()
) -> list[ApplicationReport]:
    """Return YARN's reports of all servers that are in one of the states; in any where none is
    named, as long as YARN remembers those that have ended."""
    from hadoop_client.yarn.lazy_reports import LazyApplicationReports
    from hadoop_client.yarn.resourcemanager import GET_APPLICATIONS, GetApplicationsRequest
    from yarnspawner.tags import spawn_tags

    request = GetApplicationsRequest(application_states=states)
    reports = LazyApplicationReports(client.call(GET_APPLICATIONS, request).encoded)
    return [each for each in reports.values() if spawn_tags(each.tags)]


def _server(client: BlockingClient, report: ApplicationReport) -> Server:
    container = container_of(client, report)
    return Server(
        user=report.user,
        server=server_name(report.user, report.name),
        node=container.node_id.host if container else "",
        memory_mb=container.resource.memory_mb if container else 0,
        submitted_ms=report.submit_time or report.start_time,
        state=report.state.name,
        application_id=str(report.application_id),
    )


def container_of(client: BlockingClient, report: ApplicationReport) -> ContainerReport | None:
    """Return the server's container, None before it has one, and when it has just ended."""
    from hadoop_client.rpc.call import RpcError
    from hadoop_client.yarn.resourcemanager import (
        GET_APPLICATION_ATTEMPT_REPORT,
        GET_CONTAINER_REPORT,
        GetApplicationAttemptReportRequest,
        GetContainerReportRequest,
    )

    attempt = GetApplicationAttemptReportRequest(report.current_application_attempt_id)
    try:
        master = client.call(GET_APPLICATION_ATTEMPT_REPORT, attempt).application_attempt_report
        if master.am_container_id is None:
            return None
        request = GetContainerReportRequest(master.am_container_id)
        return client.call(GET_CONTAINER_REPORT, request).container_report
    except RpcError as error:
        if error.name.endswith("NotFoundException"):
            return None
        raise


def _end(server: Server) -> None:
    """Ask YARN until the application has ended, as the hub does."""
    from hadoop_client.yarn.records import ApplicationId
    from hadoop_client.yarn.resourcemanager import FORCE_KILL_APPLICATION, KillApplicationRequest

    request = KillApplicationRequest(
        ApplicationId.parse(server.application_id), "Ended by an administrator."
    )
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    with connected() as yarn, yarn.client(server.user) as client:
        while not client.call(FORCE_KILL_APPLICATION, request).is_kill_completed:
            if time.monotonic() > deadline:
                raise NoClusterError(
                    f"YARN has not ended {server.application_id} within "
                    f"{STOP_TIMEOUT_SECONDS:.0f} s: see the ResourceManager's log."
                )
            time.sleep(0.2)


def _table(servers: Iterable[Server]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("USER/SERVER", "NODE", "MEMORY", "AGE", "STATE", "APPLICATION"):
        table.add_column(column, overflow="fold")
    now = time.time()
    for each in servers:
        memory = f"{each.memory_mb} MiB" if each.memory_mb else "-"
        since = age(now - each.submitted_ms / 1000)
        cells = (each.label, each.node or "-", memory, since, each.state, each.application_id)
        table.add_row(*map(Text, cells))
    return table
