"""`yarnhub envs packages`: the packages that `%pip install` has installed in the user's servers, as
the servers keep them in HDFS."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Annotated, NamedTuple, cast

import typer

from env_packaging.cli import Quiet, home_directory, open_hdfs
from env_packaging.registry import storage_errors
from hadoop_client.hdfs.paths import is_temporary
from hadoop_client.printable import printable
from yarnhub.options import AsJson

if TYPE_CHECKING:
    from hadoop_client.hdfs.filesystem import FileStatus, FileSystem

app = typer.Typer(
    help="List and remove your own packages.", no_args_is_help=True, rich_markup_mode=None
)

Python = Annotated[
    str,
    typer.Argument(metavar="PYTHON", help="Only those of this Python, as `list` names it."),
]


class Kept(NamedTuple):
    """The packages of one server, for one Python."""

    python: str
    archive: FileStatus

    @property
    def name(self) -> str:
        return self.archive.name.removesuffix(".tar.gz")


@app.command("list")
def list_kept(as_json: AsJson = False) -> None:
    """List the packages that your servers keep.

    They are those of `%pip install`. `default` is the server without a name. Each archive is read.
    """
    filesystem = open_hdfs()
    kept = list(_kept(filesystem))
    names = [_packages(filesystem, archive) for _, archive in kept]
    if as_json:
        result = [
            {
                "python": server.python,
                "server": server.name,
                "archive_bytes": server.archive.size,
                "modified_ms": server.archive.modified_ms,
                "packages": packages,
            }
            for server, packages in zip(kept, names, strict=True)
        ]
        sys.stdout.write(json.dumps(result, indent=1) + "\n")
        return
    if not kept:
        typer.echo("No packages are kept. %pip install in a notebook installs some.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from yarnhub.format import age, megabytes

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("PYTHON", "SERVER", "SIZE", "AGE", "PACKAGES"):
        table.add_column(title, overflow="fold")
    for server, packages in zip(kept, names, strict=True):
        cells = (
            server.python,
            server.name,
            megabytes(server.archive.size),
            age(time.time() - server.archive.modified_ms / 1000),
            "damaged" if packages is None else ", ".join(packages) or "-",
        )
        table.add_row(*(Text(printable(cell, limit=None)) for cell in cells))
    Console().print(table, highlight=False)


@app.command()
def clean(python: Python = "", as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Remove the packages that your servers keep.

    A running server has its packages until it stops. It saves them again if they change meanwhile.
    """
    filesystem = open_hdfs()
    removed = [server.archive for server in _kept(filesystem) if python in ("", server.python)]
    with storage_errors("remove packages"):
        for archive in removed:
            with suppress(FileNotFoundError):
                filesystem.delete(archive.path)
    if as_json:
        sys.stdout.write(json.dumps({"removed": [archive.path for archive in removed]}) + "\n")
    elif not quiet:
        size = sum(archive.size for archive in removed)
        typer.echo(f"Removed {len(removed)} archives of packages, {size / 1e6:,.1f} MB.")


def _kept(filesystem: FileSystem) -> Iterator[Kept]:
    """Yield the archives of the user's servers, with those set aside as damaged, and without those
    that are being saved."""
    from hdfs_contents.packages.archive import DIRECTORY

    root = DIRECTORY.format(home=home_directory(filesystem.user))
    with storage_errors(f"list {root}"), suppress(FileNotFoundError):
        for directory in filesystem.list_dir(root):
            if directory.is_dir:
                for archive in filesystem.list_dir(directory.path):
                    if not is_temporary(archive.name):
                        yield Kept(directory.name, archive)


def _packages(filesystem: FileSystem, archive: FileStatus) -> list[str] | None:
    """Return the packages in an archive, None if it is damaged."""
    from hdfs_contents.packages.archive import packages_of
    from hdfs_contents.session.archive import DamagedError

    with storage_errors(f"read {archive.path}"), filesystem.open_read(archive.path) as file:
        try:
            return sorted(" ".join(package) for package in packages_of(cast("IO[bytes]", file)))
        except DamagedError:
            return None
