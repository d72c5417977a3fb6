"""The `yarnhub` command: all commands, and the handling of their errors.

An error with an `exit_code` is printed as one line on stderr. Any other exception is a bug, and
shows its traceback.
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from env_packaging.cli import pack_env
from env_packaging.errors import StorageError
from hadoop_client.printable import LINES, printable
from yarnhub.apps import apps, stop
from yarnhub.check.cli import check
from yarnhub.config.cli import config
from yarnhub.demo.cli import demo
from yarnhub.envs.cli import app as envs
from yarnhub.logs import logs
from yarnhub.minihadoop.cli import app as minihadoop
from yarnhub.status import status

_EXIT_CODES = """
Exit codes: 0 success; 1 the command failed, or nothing is running; 2 wrong arguments; 3 a required
program or package is missing or unusable on this machine; 4 something named does not exist or
cannot be fetched; 5 a conflict, or something unsafe; 6 a service refused or did not answer;
130 interrupted.
"""

#: The codes of a service that did not answer.
_UNREACHED = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ETIMEDOUT}

app = typer.Typer(
    name="yarnhub",
    help="JupyterHub on Hadoop YARN: environments, checks, servers, and a Hadoop to try them on.",
    epilog=" ".join(_EXIT_CODES.split()),
    no_args_is_help=True,
    rich_markup_mode=None,  # it would keep the line breaks of docstrings
    pretty_exceptions_enable=False,
)
app.command("apps")(apps)
app.command("check")(check)
app.command("config")(config)
app.command("demo")(demo)
app.command("logs")(logs)
app.command("pack-env")(pack_env)
app.command("status")(status)
app.command("stop")(stop)
app.add_typer(envs, name="envs")
app.add_typer(minihadoop, name="minihadoop")


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"yarnhub {version('yarnhub')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line, and exit with one of the codes that `--help` lists."""
    try:
        app()
    except SystemExit as end:
        if end.code == 130:
            typer.echo("Interrupted.", err=True)
        raise
    except Exception as error:
        code = getattr(error, "exit_code", None)
        if not isinstance(code, int):
            raise
        text = f"{error}{_hint(error)}"
        typer.echo(printable(text, keep=LINES, limit=None), err=True)
        sys.exit(code)


def _hint(error: Exception) -> str:
    """Return where to look if HDFS was not reached, because the error does not name the address."""
    cause = error.__cause__ if isinstance(error, StorageError) else None
    if isinstance(cause, OSError) and cause.errno in _UNREACHED:
        return " `yarnhub check hdfs` shows the addresses that do not answer."
    return ""
