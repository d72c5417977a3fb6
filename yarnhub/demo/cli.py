"""The command line of `yarnhub demo`. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def demo(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port of the demo's JupyterHub.")
    ] = 8000,
    check: Annotated[
        bool, typer.Option("--check", help="Walk a person's whole round, and end.")
    ] = False,
    kerberos: Annotated[
        bool, typer.Option("--kerberos", help="On a Hadoop with Kerberos.")
    ] = False,
    report: Annotated[
        Optional[Path],  # noqa: UP045 - typer evaluates it, on Python 3.10 too
        typer.Option(help="Write the check's steps to this file, as JSON.", metavar="FILE"),
    ] = None,
) -> None:
    """Show everything on an embedded Hadoop: log in, start a server, keep a notebook in HDFS."""
    from rich.console import Console

    try:
        from yarnhub.demo.demo import Demo
    except ImportError as error:
        typer.echo(f"{error.name} is not installed: pip install 'yarnhub[demo]'.", err=True)
        raise typer.Exit(3) from error

    it = Demo(Console(), port, kerberos)
    if check:
        it.run_check(report)
    else:
        it.run()
