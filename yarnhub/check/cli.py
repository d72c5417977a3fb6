"""`yarnhub check`: runs the checks and prints their results.

Slow imports are inside the command, so that `--help` stays quick.
"""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hadoop_client.printable import LINES, printable
from yarnhub.check.results import CheckResult, Verdict, exit_code
from yarnhub.options import AsJson, config_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


GROUPS = (
    *("rm", "queues", "proxyuser", "hdfs", "webhdfs", "homes", "clocks", "environments", "memory"),
    *("profiles", "login"),
    *("keytab", "tokens", "encryption", "java", "callback", "mount"),
)
CONTENTS = "contents"
STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.SKIPPED: "dim",
}


Groups = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="GROUP",
        help=f"What to check: {', '.join(GROUPS)}; by default all of these. Or: contents "
        "[ROOT], to save and delete a file in a directory of HDFS as yourself.",
        show_default=False,
        autocompletion=lambda: [*GROUPS, CONTENTS],
    ),
]
ConfigFile = Annotated[Path | None, config_option("check the settings in it")]
User = Annotated[
    str | None,
    typer.Option(
        "--user",
        metavar="NAME",
        help="The user whose servers are checked. Default: the first user that the configuration "
        "allows, or else yourself.",
    ),
]


def check(
    groups: Groups = None, config: ConfigFile = None, user: User = None, as_json: AsJson = False
) -> None:
    """Check this edge node and its cluster.

    Each problem is shown with its remedy. Run it as the hub runs: with its HADOOP_CONF_DIR, and its
    HADOOP_USER_NAME or account.

    Of these groups, callback and mount each run a container on YARN; the others only read. The exit
    code is 1 if any check failed.
    """
    requested, root = _parse_groups(groups or GROUPS)
    results = []
    for result in _run(requested, config, user, root):
        results.append(result)
        if not as_json:
            show(result)
    if as_json:
        typer.echo(json.dumps([result.to_json() for result in results], indent=2))
    raise typer.Exit(exit_code(results))


def _parse_groups(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the groups, and the ROOT after `contents` if there is one."""
    groups = list(words)
    root = groups.pop() if groups[0] == CONTENTS and len(groups) == 2 else None
    unknown = [name for name in groups if name not in (*GROUPS, CONTENTS)]
    if unknown:
        raise typer.BadParameter(
            f"{unknown[0]} is not a check. Choose from {', '.join((*GROUPS, CONTENTS))}."
        )
    if root is not None and not root.startswith("/"):
        raise typer.BadParameter(
            f"{root} is not an absolute path in HDFS. Give one, such as /user/alice/notebooks."
        )
    return groups, root


def _run(
    groups: list[str], config: Path | None, user: str | None, root: str | None
) -> Iterator[CheckResult]:
    from hadoop_client.configuration import HDFS_VARIABLE, Configuration, ConfigurationError
    from yarnhub.check.edge_node import EdgeNode
    from yarnhub.check.facts import run_check
    from yarnhub.check.settings import read_settings

    try:
        Configuration.load()
    except ConfigurationError as error:
        # Each check would fail with the same sentence.
        yield CheckResult("hadoop", Verdict.FAILED, str(error))
        return
    settings = read_settings(config)
    if settings.hdfs:
        os.environ[HDFS_VARIABLE] = settings.hdfs
    edge = EdgeNode(settings, user or next(iter(settings.allowed_users), getpass.getuser()))
    for group in groups:
        yield from _contents(root) if group == CONTENTS else run_check(group, edge)


def _contents(root: str | None) -> list[CheckResult]:
    from hadoop_client.hdfs.filesystem import open_filesystem
    from hdfs_contents.root import home_directory
    from yarnhub.check.contents import check_root

    try:
        filesystem = open_filesystem()
        home = home_directory(filesystem.user)
        notebooks = f"{home}/notebooks"  # A user's first server makes it.
        root = root or (notebooks if filesystem.exists(notebooks) else home)
    except (ImportError, OSError) as error:
        why = f"HDFS could not be opened: {getattr(error, 'strerror', None) or error}."
        return [CheckResult(CONTENTS, Verdict.FAILED, why, _remedy(error))]
    return check_root(filesystem, root)


def _remedy(error: Exception) -> str:
    """Return what to do about an error that keeps HDFS from being opened, unless its text says."""
    if isinstance(error, ImportError):
        return "Install yarnhub[hub]."
    if isinstance(error, (ConnectionError, TimeoutError)):
        return "Check that HDFS runs, and that this machine reaches it."
    return ""


def show(result: CheckResult) -> None:
    """Print one result: the verdict, the group, why, and the remedy."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    text = Text(printable(result.why, keep=LINES))
    if result.remedy:
        text.append(f"\n{printable(result.remedy, keep=LINES)}", style="italic")
    line = Table.grid(padding=(0, 1))
    line.add_column(width=len("warning"))
    line.add_column(width=max(map(len, GROUPS)))
    line.add_column(overflow="fold")
    verdict = Text(result.verdict.value, style=STYLES[result.verdict])
    line.add_row(verdict, result.group, text)
    Console().print(line)
