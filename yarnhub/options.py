"""Options and arguments that several commands have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Target = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="NAME, NAME:ALIAS or NAME@KEY.")]


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
