"""`yarnhub config`: asks for an administrator's decisions, and writes the hub's configuration.

It offers the cluster's queues and environments. Slow imports are inside the command, so that
`--help` stays quick.
"""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from env_packaging.registry import DEFAULT_ENV_ROOT, LATEST, names, storage_errors
from hadoop_client.printable import printable
from yarnhub.check.cli import GROUPS, show
from yarnhub.check.results import exit_code
from yarnhub.config.render import AdminChoices, ClusterResources, hub_config, systemd_unit
from yarnhub.errors import ToolError
from yarnhub.options import writable

if TYPE_CHECKING:
    from env_packaging.inventory import Stored
    from yarnhub.check.edge_node import EdgeNode

NO_QUEUE = "YARN reported no queue for applications. Give one with --queue."
NO_ENVIRONMENT = (
    "No environment is published. Publish one with `yarnhub pack-env`, or give a path that all "
    "nodes have with --env."
)


class ConfigExistsError(ToolError):
    """A file exists, and --force was not given."""

    exit_code = 5


class NotWrittenError(ToolError):
    """A file could not be written."""

    exit_code = 5


class NothingToChooseError(ToolError):
    """The cluster has no queue, or no environment."""

    exit_code = 4


Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        dir_okay=False,
        callback=writable,
        help="The file to write.",
    ),
]
Unit = Annotated[
    Path | None,
    typer.Option(
        "--unit",
        metavar="FILE",
        dir_okay=False,
        callback=writable,
        help="Also write a systemd unit that runs the hub with your account and variables.",
        show_default=False,
    ),
]
HubHost = Annotated[
    str,
    typer.Option(
        metavar="HOST",
        help="The name at which the nodes reach this host. Default: the host's full name.",
        show_default=False,
    ),
]
Queue = Annotated[
    str, typer.Option(metavar="QUEUE", help="The servers' queue.", show_default=False)
]
Env = Annotated[
    str,
    typer.Option(
        metavar="ENVIRONMENT",
        help="The servers' environment: NAME, NAME:ALIAS, NAME@KEY, or a path that all nodes have.",
        show_default=False,
    ),
]
Users = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Users who may log in, separated by commas. Default: all accounts of this host. The "
        "check is for the first of them, or else for yourself.",
        show_default=False,
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        "-y",
        help="Use the first choice of each instead of asking, as without a terminal.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]


def config(
    output: Output = Path("jupyterhub_config.py"),
    unit: Unit = None,
    hub_host: HubHost = "",
    queue: Queue = "",
    env: Env = "",
    users: Users = "",
    yes: Yes = False,
    force: Force = False,
) -> None:
    """Write a hub's configuration and check it.

    It looks up the cluster's queues and environments, and asks which to use and for this host's
    name, unless options give them. Run it as the hub will run: with its HADOOP_CONF_DIR, and its
    HADOOP_USER_NAME or account.

    The check is `yarnhub check --config`. The exit code is 1 if it failed.
    """
    for path in (output, unit):
        if path is not None and path.exists() and not force:
            raise ConfigExistsError(f"{path} already exists. Use --force to overwrite it.")
    cluster = _discover()
    ask = not yes and sys.stdin.isatty()
    choices = AdminChoices(
        hub_host=hub_host
        or _choose("This host's name, as the nodes resolve it", [socket.getfqdn()], ask),
        queue=queue or _choose("Queue", _default_first(cluster.queues), ask, NO_QUEUE),
        python_env=env or _choose("Environment", list(cluster.environments), ask, NO_ENVIRONMENT),
        users=tuple(filter(None, map(str.strip, users.split(",")))),
        keytab=_keytab(),
    )
    _write(output, hub_config(choices, cluster))
    typer.echo(f"Wrote {output}.")
    if unit is not None:
        _write(unit, _unit(output, cluster.kerberos and not choices.keytab))
        typer.echo(f"Wrote {unit}. Copy it to /etc/systemd/system and enable it.")
    raise typer.Exit(_check(output, choices.users[0] if choices.users else getpass.getuser()))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise NotWrittenError(
            f"{path} could not be written: {error.strerror}. Choose another file."
        ) from error


def _discover() -> ClusterResources:
    """Look up the cluster's queues, published environments and largest node."""
    from env_packaging.inventory import read_folder
    from hadoop_client.hdfs.filesystem import open_filesystem
    from yarnhub.check.edge_node import leaf_queues, nodes
    from yarnhub.yarn import yarn_errors

    edge = _edge_node(None, getpass.getuser())
    with yarn_errors():
        queues = tuple(sorted(queue.name for queue in leaf_queues(edge)))
        sizes = [node.capability for node in nodes(edge)]
        kerberos = edge.configuration.kerberos
    with storage_errors("open HDFS"):
        filesystem = open_filesystem()
    latest = [
        stored
        for name in names(filesystem, DEFAULT_ENV_ROOT)
        for stored in read_folder(filesystem, DEFAULT_ENV_ROOT, name).stored
        if LATEST in stored.aliases
    ]
    return ClusterResources(
        queues,
        tuple(stored.name for stored in sorted(latest, key=usefulness)),
        node_mb=max((size.memory_mb for size in sizes), default=0),
        node_cores=max((size.vcores for size in sizes), default=0),
        kerberos=kerberos,
    )


def usefulness(stored: Stored) -> tuple[bool, int]:
    """Sort environments in which a server can start before others, and newer ones first."""
    can_serve = stored.manifest is not None and not stored.manifest.server_fault
    return not can_serve, -stored.modified_ms


def _edge_node(file: Path | None, user: str) -> EdgeNode:
    from yarnhub.check.edge_node import EdgeNode
    from yarnhub.check.settings import read_settings

    return EdgeNode(read_settings(file), user)


def _keytab() -> str:
    """Return the keytab that this command logs in with, which probably is the hub's."""
    from hadoop_client.security.kerberos import environments_keytab

    keytab = environments_keytab()
    return str(Path(keytab).absolute()) if keytab else ""


def _default_first(queues: tuple[str, ...]) -> list[str]:
    return sorted(queues, key=lambda name: (name != "default", name))


def _choose(title: str, choices: list[str], ask: bool, if_empty: str = "") -> str:
    """Return the first of the choices, or the administrator's answer.

    Raises NothingToChooseError with `if_empty` if there are no choices.
    """
    if not choices:
        raise NothingToChooseError(if_empty)
    if not ask:
        return choices[0]
    if len(choices) > 1:
        typer.echo(f"The cluster has: {printable(', '.join(choices), limit=None)}")
    return str(typer.prompt(title, default=choices[0]))


def _check(file: Path, user: str) -> int:
    """Run `yarnhub check` with the written file; returns its exit code."""
    from yarnhub.check.facts import run_check

    typer.echo(
        f"Running `yarnhub check --config {shlex.quote(str(file))} --user {shlex.quote(user)}`:"
    )
    edge = _edge_node(file, user)
    results = [result for group in GROUPS for result in run_check(group, edge)]
    for result in results:
        show(result)
    return exit_code(results)


def _unit(file: Path, ticket_by_hand: bool) -> str:
    """Return a unit that runs the hub with this account, Python and environment."""
    bin_folder = Path(sys.executable).parent
    proxy = shutil.which("configurable-http-proxy")
    folders = [str(bin_folder), *([str(Path(proxy).parent)] if proxy else ()), os.defpath]
    names = (
        *("HADOOP_CONF_DIR", "HADOOP_USER_NAME"),
        *("KRB5_CLIENT_KTNAME", "KRB5CCNAME", "KRB5_CONFIG"),
    )
    return systemd_unit(
        account=getpass.getuser(),
        folder=str(file.absolute().parent),
        environment={
            "PATH": os.pathsep.join(folders),
            **{name: os.environ[name] for name in names if name in os.environ},
        },
        command=(str(bin_folder / "jupyterhub"), "-f", str(file.absolute())),
        ticket_by_hand=ticket_by_hand,
    )
