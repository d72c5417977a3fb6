"""The command line of `yarnhub demo`. Slow imports are inside the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yarnhub.minihadoop.cli import AllowRoot
from yarnhub.options import writable


def demo(
    port: Annotated[
        int,
        typer.Option(min=1, max=65535, metavar="N", help="The port of the demo's JupyterHub."),
    ] = 8000,
    check: Annotated[
        bool, typer.Option("--check", help="Run the end-to-end check, then exit.")
    ] = False,
    kerberos: Annotated[
        bool, typer.Option("--kerberos", help="Use a Hadoop with Kerberos.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            help="With --check, write its steps to this file, as JSON.",
            metavar="FILE",
            callback=writable,
        ),
    ] = None,
    allow_root: AllowRoot = False,
) -> None:
    """Run JupyterHub on an embedded Hadoop.

    It starts a Hadoop and a hub on this machine, and prints where to log in and what to try. Ctrl-C
    ends all of it, and removes its data.
    """
    from rich.console import Console

    from yarnhub.minihadoop.exposure import require_not_root

    require_not_root(allow_root)
    try:
        if kerberos:
            import gssapi  # noqa: F401
        from yarnhub.demo.demo import Demo
    except ImportError as error:
        extras = "demo,kerberos" if kerberos else "demo"
        typer.echo(f"{error.name} is not installed: pip install 'yarnhub[{extras}]'.", err=True)
        raise typer.Exit(3) from error

    session = Demo(Console(), port, kerberos)
    if check:
        session.run_check(report)
    else:
        session.run()
