"""`yarnhub pack-env`: packs an environment and publishes it in HDFS.

What is heavy is imported when the command runs, so that `--help` stays quick.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from env_packaging.build.prune import Preset
from env_packaging.errors import MissingPackageError
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    LATEST,
    Reference,
    check_alias,
    check_word,
    storage_errors,
)

if TYPE_CHECKING:
    from rich.console import Console

    from env_packaging.build.progress import Progress
    from env_packaging.manifest import Manifest
    from env_packaging.pack import PackedEnvironment


def pack_env(  # noqa: PLR0913 - each is an option
    source: Annotated[
        str,
        typer.Argument(
            help="A conda environment (its prefix or its name), a venv, a complete Python; or an "
            "environment.yml or a requirements.txt, to build one from.",
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="What to call it in the hub's settings.")],
    env_root: Annotated[
        str, typer.Option("--env-root", help="The folder in HDFS for all environments.")
    ] = DEFAULT_ENV_ROOT,
    alias: Annotated[
        str, typer.Option("--alias", help="The alias that stands for this one from now on.")
    ] = LATEST,
    prune: Annotated[
        list[Preset] | None,
        typer.Option(
            "--prune",
            help="Leave out tests (packages' own), docs (manuals), build (what only compilers "
            "read), types (type stubs) or maps (source maps of web pages). Can be given several "
            "times.",
        ),
    ] = None,
    assume_base: Annotated[
        bool,
        typer.Option("--assume-base", help="Every node has a venv's Python, at the same path."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Pack a venv that has no package in it.")
    ] = False,
    copies: Annotated[
        int,
        typer.Option(
            "--copies",
            min=0,
            help="How many nodes of HDFS are to have a copy, so that many servers can start at "
            "once; 0: as many as of other files.",
        ),
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON on standard output.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, and no summary.")
    ] = False,
) -> None:
    """Pack an environment and publish it in HDFS for notebook servers to run in.

    HDFS is the one that HADOOP_CONF_DIR describes. The user is HADOOP_USER_NAME, or whoever runs
    this; with Kerberos, whose ticket or keytab (KRB5_CLIENT_KTNAME) there is.
    """
    from rich.console import Console

    from env_packaging.build.sources import prefix_of
    from hadoop_client.hdfs.filesystem import open_filesystem

    began = time.monotonic()
    errors = Console(stderr=True)
    reference = Reference(check_word("name", name), check_alias(alias))
    with _needed_packages(), storage_errors("open HDFS"):
        from env_packaging.pack import Options, pack_and_publish

        filesystem = open_filesystem()
    options = Options(tuple(prune or ()), assume_base, force, copies)
    with (
        _garbage_left(),
        prefix_of(source) as prefix,
        _shown_progress(errors, shown=errors.is_terminal and not quiet) as progress,
    ):
        packed = pack_and_publish(
            prefix, name, filesystem, env_root, alias=alias, options=options, progress=progress
        )
    seconds = time.monotonic() - began
    if as_json:
        sys.stdout.write(json.dumps(_result(packed, reference, seconds), indent=1) + "\n")
    elif not quiet:
        _print_summary(packed, reference, seconds)
    if not quiet:
        _print_warnings(errors, packed)


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Don't look for garbage meanwhile. What is known of each file stays to the end, and to go
    through it again and again takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _needed_packages() -> Iterator[None]:
    """Turn an import that fails into a MissingPackageError."""
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(
            f"Packing needs a package that can't be imported here ({error}): "
            "pip install 'yarnhub[pack]'."
        ) from error


@contextmanager
def _shown_progress(console: Console, *, shown: bool) -> Iterator[Progress | None]:
    """Show a bar on the terminal for each phase: files, bytes, rate and the time that is left."""
    if not shown:
        yield None
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description:<8}"),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[amount]}"),
        bars.TimeRemainingColumn(compact=True),
    )
    with bars.Progress(*columns, console=console) as bar:
        yield _Bars(bar)


class _Bars:
    """Progress as bars of rich, the last of which is moving. A phase whose bytes are not known
    beforehand is measured by its files."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def begin(self, phase: str, files: int, size_bytes: int) -> None:
        self._began = time.monotonic()
        self._by_files = not size_bytes
        self._files, self._of_files, self._bytes = 0, files, 0
        total = files if self._by_files else size_bytes
        self._task = self._bar.add_task(phase, total=total, amount="")

    def advance(self, files: int, size_bytes: int) -> None:
        self._files += files
        self._bytes += size_bytes
        rate = self._bytes / max(time.monotonic() - self._began, 0.001)
        self._bar.update(
            self._task,
            advance=files if self._by_files else size_bytes,
            amount=f"{self._files:,}/{self._of_files:,} files  {_megabytes(self._bytes)}"
            f"  {_megabytes(rate)}/s",
        )


def _result(packed: PackedEnvironment, reference: Reference, seconds: float) -> dict[str, Any]:
    """Return what `--json` prints: what the manifest says, and what was done."""
    return {
        "reference": str(reference),
        "path": packed.path,
        "uploaded": packed.uploaded,
        "public": packed.public,
        "seconds": round(seconds, 3),
        "manifest": json.loads(packed.manifest.to_json()),
    }


def _print_summary(packed: PackedEnvironment, reference: Reference, seconds: float) -> None:
    manifest = packed.manifest
    done = "Published" if packed.uploaded else "Unchanged, nothing uploaded:"
    setting = reference.name if reference.alias == LATEST else str(reference)
    typer.echo(
        f"{done} {reference} in {seconds:.1f} s\n"
        f"  archive   {packed.path}\n"
        f"  size      {_megabytes(packed.size_bytes)}, "
        f"{_megabytes(manifest.unpacked_bytes)} unpacked in {manifest.files:,} files\n"
        f"{_saved(manifest)}"
        f"  contains  Python {packed.python_version}, {len(manifest.packages)} packages\n"
        f"  shared    {_SHARED[packed.public]}\n"
        "In jupyterhub_config.py:\n"
        f'  c.YarnSpawner.python_env = "{setting}"'
    )


def _saved(manifest: Manifest) -> str:
    """Return a line on what was pruned, empty where nothing was."""
    pruned = [
        f"{each.what} ({each.files:,} files, {_megabytes(each.size_bytes)})"
        for each in manifest.left_out
        if "--prune" in each.what
    ]
    return f"  without   {', '.join(pruned)}\n" if pruned else ""


_SHARED = {
    True: "yes: a node unpacks one copy for all users",
    False: "no: not every user may read it; make each folder above it executable by others",
}


def _print_warnings(console: Console, packed: PackedEnvironment) -> None:
    notes = 0
    for finding in packed.manifest.findings:
        if finding.severity == "warning":
            console.print(f"Warning: {finding.message}", markup=False, soft_wrap=True)
        else:
            notes += 1
    if notes:
        console.print(f"The manifest has {notes} more notes.", highlight=False)


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
