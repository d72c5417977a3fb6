"""Options and arguments that several commands have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Target = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="NAME, NAME:ALIAS or NAME@KEY.")]


def config_option(purpose: str) -> OptionInfo:
    """Return the option that names the hub's configuration; `purpose` ends "The hub's
    jupyterhub_config.py, to …"."""
    option: OptionInfo = typer.Option(
        "--config",
        "-f",
        envvar="YARNHUB_CONFIG",
        exists=True,
        dir_okay=False,
        metavar="FILE",
        help=f"The hub's jupyterhub_config.py, to {purpose}. It is executed, as by JupyterHub.",
    )
    return option


def writable(file: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before the command does anything."""
    if file is not None and not os.access(file if file.exists() else file.parent, os.W_OK):
        raise typer.BadParameter(f"{file} cannot be written. Choose a file in another directory.")
    return file


def parse_label(label: str) -> tuple[str, str]:
    """Split USER or USER/SERVER. Raises typer.BadParameter without a user."""
    user, _, server = label.partition("/")
    if not user:
        raise typer.BadParameter(f"{label!r} has no user name. Give USER or USER/SERVER.")
    return user, server
