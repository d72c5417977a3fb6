"""`yarnhub check`: runs the checks and shows what they found.

What is heavy is imported when the command runs, so that `--help` stays quick.
"""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yarnhub.check.findings import Finding, Verdict, exit_code
from yarnhub.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yarnhub.check.facts import EdgeNode

GROUPS = (
    *("rm", "queues", "proxyuser", "hdfs", "homes", "clocks", "environments", "keytab", "tokens"),
    *("java", "callback"),
)
CONTENTS = "contents"
STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.SKIPPED: "dim",
}


def check(
    groups: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[GROUP...]",
            help=f"What to check: {', '.join(GROUPS)}; all of these where none is named. Or: "
            "contents [ROOT], to try a notebook folder of HDFS as yourself.",
            show_default=False,
            autocompletion=lambda: [*GROUPS, CONTENTS],
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-f",
            envvar="YARNHUB_CONFIG",
            exists=True,
            dir_okay=False,
            help="The hub's jupyterhub_config.py, to check what it would use. The file is "
            "executed, as JupyterHub does.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            help="For whom the hub is to start servers; default: the first whom its configuration "
            "allows, else yourself.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with this edge node, and what to do about it.

    Run it with the hub's environment: HADOOP_CONF_DIR, and HADOOP_USER_NAME or the hub's account.
    The exit code is 1 where anything has failed.
    """
    wanted = list(groups or GROUPS)
    root = wanted.pop() if wanted[0] == CONTENTS and len(wanted) == 2 else None
    unknown = [name for name in wanted if name not in (*GROUPS, CONTENTS)]
    if unknown or (root is not None and not root.startswith("/")):
        wrong = unknown[0] if unknown else root
        raise typer.BadParameter(
            f"{wrong} is no check. Choose among {', '.join((*GROUPS, CONTENTS))}; a ROOT after "
            "contents begins with a slash."
        )
    findings = []
    for found in _run(wanted, config, user, root):
        findings.append(found)
        if not as_json:
            show(found)
    if as_json:
        typer.echo(json.dumps([found.to_json() for found in findings], indent=2))
    raise typer.Exit(exit_code(findings))


def _run(
    groups: list[str], config: Path | None, user: str | None, root: str | None
) -> Iterator[Finding]:
    from yarnhub.check.facts import EdgeNode, run_check
    from yarnhub.check.settings import read_settings

    settings = read_settings(config)
    edge = EdgeNode(settings, user or next(iter(settings.allowed_users), getpass.getuser()))
    for group in groups:
        yield from _contents(edge, root) if group == CONTENTS else run_check(group, edge)


def _contents(edge: EdgeNode, root: str | None) -> list[Finding]:
    from hadoop_client.configuration import Configuration
    from hadoop_client.hdfs.filesystem import open_filesystem
    from yarnhub.check.contents import check_root

    try:
        filesystem = open_filesystem()
    except (ImportError, OSError) as error:
        remedy = "Install yarnhub[hub], and set HADOOP_CONF_DIR."
        return [Finding(CONTENTS, Verdict.FAILED, f"HDFS can't be opened: {error}.", remedy)]
    home = (Configuration.find() or Configuration({})).home_directory(filesystem.user)
    notebooks = f"{home}/notebooks"  # made by the first server that starts
    return check_root(filesystem, root or (notebooks if filesystem.exists(notebooks) else home))


def show(finding: Finding) -> None:
    """Print one finding: the verdict, the group, and what to do."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    said = Text(finding.why)
    if finding.remedy:
        said.append(f"\n{finding.remedy}", style="italic")
    line = Table.grid(padding=(0, 1))
    line.add_column(width=len("warning"))
    line.add_column(width=max(map(len, GROUPS)))
    line.add_column(overflow="fold")
    verdict = Text(finding.verdict.value, style=STYLES[finding.verdict])
    line.add_row(verdict, finding.group, said)
    Console().print(line)
