"""`yarnhub config`: asks what an admin has to decide, and writes the hub's configuration.

What the cluster has (queues, environments, the size of its nodes) is looked up and offered. What is
heavy is imported when the command runs, so that `--help` stays quick.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from env_packaging.registry import DEFAULT_ENV_ROOT, LATEST, names, storage_errors
from yarnhub.check.cli import GROUPS, show
from yarnhub.check.findings import Finding, exit_code
from yarnhub.config.render import Choices, Cluster, hub_config, systemd_unit
from yarnhub.errors import ToolError

if TYPE_CHECKING:
    from yarnhub.check.facts import EdgeNode

NO_QUEUE = "YARN tells of no queue that takes applications: name one with --queue."
NO_ENVIRONMENT = (
    "No environment is published: do that first, with `yarnhub pack-env`, or name with --env a "
    "prefix that all nodes have."
)


class ConfigExistsError(ToolError):
    """A file that is there already would be overwritten."""

    exit_code = 5


class NothingToChooseError(ToolError):
    """The cluster has nothing of what is needed."""

    exit_code = 4


def config(
    output: Annotated[
        Path, typer.Option("--output", "-o", dir_okay=False, help="The file to write.")
    ] = Path("jupyterhub_config.py"),
    unit: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write a systemd unit too.", show_default=False),
    ] = None,
    hub_host: Annotated[
        str, typer.Option(help="This host, as the cluster's nodes reach it.", show_default=False)
    ] = "",
    queue: Annotated[str, typer.Option(help="Servers' queue.", show_default=False)] = "",
    env: Annotated[str, typer.Option(help="Servers' environment.", show_default=False)] = "",
    users: Annotated[
        str,
        typer.Option(
            help="Who may log in, NAME,NAME…; default: all, and the check is for yourself.",
            show_default=False,
        ),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing, take what the cluster has.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
) -> None:
    """Write a configuration for a hub on this cluster, and check it.

    Run it with the hub's environment: HADOOP_CONF_DIR, and HADOOP_USER_NAME or the hub's account.
    The exit code is 1 where the check has found that something fails.
    """
    for path in (output, unit):
        if path is not None and path.exists() and not force:
            raise ConfigExistsError(f"{path} is there already: add --force to overwrite it.")
    cluster = _discover()
    ask = not yes and sys.stdin.isatty()
    choices = Choices(
        hub_host=hub_host or _choose("This host, as the nodes reach it", [socket.getfqdn()], ask),
        queue=queue or _choose("Queue", _default_first(cluster.queues), ask, NO_QUEUE),
        python_env=env or _choose("Environment", list(cluster.environments), ask, NO_ENVIRONMENT),
        users=tuple(filter(None, map(str.strip, users.split(",")))),
        keytab=_keytab(),
    )
    output.write_text(hub_config(choices, cluster))
    typer.echo(f"Wrote {output}.")
    if unit is not None:
        unit.write_text(_unit(output))
        typer.echo(f"Wrote {unit}: copy it to /etc/systemd/system and enable it.")
    user = choices.users[0] if choices.users else getpass.getuser()
    typer.echo(f"What `yarnhub check --config {output} --user {user}` says:")
    findings = _check(output, user)
    for finding in findings:
        show(finding)
    raise typer.Exit(exit_code(findings))


def _discover() -> Cluster:
    """Look up what the cluster has. Raises NothingToChooseError where no environment is
    published."""
    from env_packaging.inventory import read_folder
    from hadoop_client.hdfs.filesystem import open_filesystem
    from yarnhub.check.facts import leaf_queues, nodes
    from yarnhub.yarn import yarn_errors

    edge = _edge_node(None, getpass.getuser())
    with yarn_errors():
        queues = tuple(sorted(queue.name for queue in leaf_queues(edge)))
        sizes = [node.capability for node in nodes(edge)]
        kerberos = edge.configuration.kerberos
    with storage_errors("open HDFS"):
        filesystem = open_filesystem()
    environments = tuple(
        name
        for name in names(filesystem, DEFAULT_ENV_ROOT)
        if LATEST in read_folder(filesystem, DEFAULT_ENV_ROOT, name).aliases
    )
    return Cluster(
        queues,
        environments,
        node_mb=max((size.memory_mb for size in sizes), default=0),
        node_cores=max((size.vcores for size in sizes), default=0),
        kerberos=kerberos,
    )


def _edge_node(file: Path | None, user: str) -> EdgeNode:
    from yarnhub.check.facts import EdgeNode
    from yarnhub.check.settings import read_settings

    return EdgeNode(read_settings(file), user)


def _keytab() -> str:
    """Return the keytab by which this command logs in, which may well be the hub's."""
    from hadoop_client.security.kerberos import environments_keytab

    keytab = environments_keytab()
    return str(Path(keytab).absolute()) if keytab else ""


def _default_first(queues: tuple[str, ...]) -> list[str]:
    return sorted(queues, key=lambda name: (name != "default", name))


def _choose(what: str, offered: list[str], ask: bool, nothing: str = "") -> str:
    """Return the first that is offered, or what the admin says instead; `nothing` is said where
    nothing is offered."""
    if not offered:
        raise NothingToChooseError(nothing)
    if not ask:
        return offered[0]
    if len(offered) > 1:
        typer.echo(f"The cluster has: {', '.join(offered)}")
    return str(typer.prompt(what, default=offered[0]))


def _check(file: Path, user: str) -> list[Finding]:
    from yarnhub.check.facts import run_check

    edge = _edge_node(file, user)
    return [finding for group in GROUPS for finding in run_check(group, edge)]


def _unit(file: Path) -> str:
    """Return a unit that runs the hub as it would run here and now."""
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
    )
