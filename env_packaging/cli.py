"""`yarnhub pack-env`: packs an environment and publishes it in HDFS.

Slow imports happen when the command runs, so that `--help` stays fast.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from env_packaging.build.prune import Preset
from env_packaging.errors import MissingPackageError
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    ENV_ROOT_VARIABLE,
    LATEST,
    OWN,
    OWN_ENVS,
    OWN_ENVS_VARIABLE,
    Reference,
    check_alias,
    check_name,
    storage_errors,
)
from hadoop_client.printable import printable

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from rich.console import Console
    from rich.progress import Progress as RichProgress

    from env_packaging.build.progress import Progress
    from env_packaging.build.sources import Origin
    from env_packaging.manifest import Manifest
    from env_packaging.pack import PackedEnvironment, PackOptions
    from hadoop_client.hdfs.filesystem import FileSystem

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="The prefix or name of a conda environment, the path of a venv or of a complete "
        "Python, or an environment.yml or requirements.txt to build an environment from.",
    ),
]
Name = Annotated[
    str,
    typer.Option("--name", metavar="NAME", help="The environment's name, for the hub's settings."),
]
EnvRoot = Annotated[
    str,
    typer.Option(
        "--env-root",
        metavar="DIR",
        envvar=ENV_ROOT_VARIABLE,
        help="The HDFS directory of all environments.",
    ),
]
#: Where an environment is published: in a server, among its user's own.
TargetRoot = Annotated[
    str,
    typer.Option(
        "--env-root",
        metavar="DIR",
        envvar=[OWN_ENVS_VARIABLE, ENV_ROOT_VARIABLE],
        help="The HDFS directory to publish in. In a server, the default is that of your own "
        "environments, if the hub accepts them.",
    ),
]
Alias = Annotated[
    str,
    typer.Option("--alias", metavar="ALIAS", help="The alias that then points to the environment."),
]
Prune = Annotated[
    list[Preset] | None,
    typer.Option(
        "--prune",
        metavar="KIND",
        help="Leave out tests (of packages), docs (manuals), build (files that only compilers "
        "read), types (type stubs) or maps (source maps of web pages). Can be given several times. "
        "The summary shows what each saved.",
    ),
]
AssumeBase = Annotated[
    bool,
    typer.Option(
        "--assume-base",
        help="Leave out the Python of a venv, because every node has it at the same path.",
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Publish even a venv without packages, files that cannot work on a node, or a "
        "JupyterHub that cannot be imported.",
    ),
]
AllowPrivate = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-private",
        metavar="NAME",
        help="Publish a file of this name or pattern, even if other users cannot read it here or "
        "it has credentials. Can be given several times.",
    ),
]
Copies = Annotated[
    int,
    typer.Option(
        "--copies",
        min=0,
        max=32767,  # HDFS keeps it in 16 bits
        metavar="N",
        help="HDFS replication of the archive. Raise it if many servers start at the same time. 0 "
        "is the cluster's default.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on standard output.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def pack_env(  # noqa: PLR0913 - typer makes an option of each
    source: Source,
    name: Name,
    env_root: TargetRoot = DEFAULT_ENV_ROOT,
    alias: Alias = LATEST,
    prune: Prune = None,
    assume_base: AssumeBase = False,
    force: Force = False,
    copies: Copies = 0,
    allow_private: AllowPrivate = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Pack and publish an environment in HDFS.

    The Hadoop configuration is that of HADOOP_CONF_DIR. You publish as HADOOP_USER_NAME or your
    account or, with Kerberos, as the owner of the ticket or of the keytab (KRB5_CLIENT_KTNAME).

    Files that other users cannot read, that have credentials, or that cannot work on a node are
    refused.
    """
    reference = Reference(check_name("name", name), check_alias(alias))
    with required_packages():
        from env_packaging.build.sources import origin_of, prefix_of
        from env_packaging.pack import PackOptions

        filesystem = open_hdfs()
    presets, private = tuple(prune or ()), tuple(allow_private or ())
    options = PackOptions(presets, assume_base, force, copies, private)
    target = Target(filesystem, env_root, reference)
    show = Show(as_json, quiet)
    publish_prefix(prefix_of(source), target, show, options, origin_of(source))


@dataclass(frozen=True)
class Target:
    """Where an environment is published."""

    filesystem: FileSystem
    env_root: str
    reference: Reference


class Show(NamedTuple):
    """What a command prints: JSON or text, and nothing but errors if `quiet`."""

    as_json: bool
    quiet: bool


def publish_prefix(
    opened: AbstractContextManager[Path],
    target: Target,
    show: Show,
    options: PackOptions | None = None,
    origin: Origin | None = None,
) -> None:
    """Publish the prefix that a context yields, and print progress, result and warnings."""
    from rich.console import Console

    from env_packaging.pack import open_cache, pack_and_publish

    began = time.monotonic()
    errors = Console(stderr=True)
    bars = _progress_bars(errors, shown=errors.is_terminal and not show.quiet)
    with _gc_disabled(), _ended_by_signals(), opened as prefix, bars as progress:
        packed = pack_and_publish(
            prefix,
            target.reference.name,
            target.filesystem,
            target.env_root,
            alias=target.reference.alias,
            options=options,
            progress=progress,
            origin=origin,
            cache=open_cache(),
        )
    seconds = time.monotonic() - began
    if show.as_json:
        _print_json(packed, target.reference, seconds)
    elif not show.quiet:
        _print_summary(packed, target, seconds)
    if not show.quiet:
        _print_warnings(errors, packed, target.reference)


def own_env_root(user: str) -> str:
    """Return the HDFS directory of a user's own environments."""
    return os.environ.get(OWN_ENVS_VARIABLE) or f"{home_directory(user)}/{OWN_ENVS}"


def home_directory(user: str) -> str:
    """Return a user's home directory in HDFS."""
    from hadoop_client.configuration import Configuration

    return (Configuration.find() or Configuration({})).home_directory(user)


def open_hdfs() -> FileSystem:
    """Open HDFS. Raises StorageError."""
    from hadoop_client.hdfs.filesystem import open_filesystem

    with storage_errors("open HDFS"):
        return open_filesystem()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let the signals that end the process raise SystemExit, so that temporary files are removed.

    A signal that is ignored, as with nohup, stays ignored.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    ending = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in ending:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _gc_disabled() -> Iterator[None]:
    """Disable garbage collection: the records of all files stay to the end, and traversing them
    again and again takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def required_packages() -> Iterator[None]:
    """Turn an ImportError into a MissingPackageError."""
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(
            f"Packing needs a Python package that cannot be imported here ({error}). Install it "
            "with pip install 'yarnhub[pack]'."
        ) from error


@contextmanager
def _progress_bars(console: Console, *, shown: bool) -> Iterator[Progress | None]:
    """Show a bar for each phase, with files, bytes, rate and the remaining time."""
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
    """Progress as bars of rich, a new one for each phase.

    A phase whose size in bytes is unknown is measured in files.
    """

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar

    def begin(self, phase: str, files: int, size_bytes: int) -> None:
        self._began = time.monotonic()
        self._by_files = not size_bytes
        self._files, self._total_files, self._bytes = 0, files, 0
        total = files if self._by_files else size_bytes
        self._task = self._bar.add_task(phase, total=total, amount="")

    def advance(self, files: int, size_bytes: int) -> None:
        self._files += files
        self._bytes += size_bytes
        rate = self._bytes / max(time.monotonic() - self._began, 0.001)
        self._bar.update(
            self._task,
            advance=files if self._by_files else size_bytes,
            amount=f"{self._files:,}/{self._total_files:,} files  {_megabytes(self._bytes)}"
            f"  {_megabytes(rate)}/s",
        )


def _print_json(packed: PackedEnvironment, reference: Reference, seconds: float) -> None:
    result = {
        "reference": str(reference),
        "path": packed.path,
        "uploaded": packed.uploaded,
        "public": packed.public,
        "seconds": round(seconds, 3),
        "manifest": json.loads(packed.manifest.to_json()),
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


def _print_summary(packed: PackedEnvironment, target: Target, seconds: float) -> None:
    manifest, reference = packed.manifest, target.reference
    done = "Published" if packed.uploaded else "Unchanged, nothing uploaded:"
    own = target.env_root == own_env_root(target.filesystem.user)
    typer.echo(
        f"{done} {reference} in {seconds:.1f} s\n"
        f"  archive   {packed.path}\n"
        f"  size      {_megabytes(packed.size_bytes)}, "
        f"{_megabytes(manifest.unpacked_bytes)} unpacked in {manifest.files:,} files\n"
        f"{_pruned(manifest)}"
        f"  contains  Python {packed.python_version}, {len(manifest.packages)} packages\n"
        f"  shared    {_OWN_SHARED if own else _SHARED[packed.public]}\n"
        + (_OWN_USE if own else _SITE_USE).format(
            reference.name if reference.alias == LATEST else reference
        )
    )


_OWN_SHARED = "no: it is your own"
_OWN_USE = f"The next server can start in it, as {OWN}{{}}."
_SITE_USE = 'In jupyterhub_config.py:\n  c.YarnSpawner.python_env = "{}"'


def _pruned(manifest: Manifest) -> str:
    """Return a line on the pruned files, empty if there are none."""
    pruned = [
        f"{rule.what} ({rule.files:,} files, {_megabytes(rule.size_bytes)})"
        for rule in manifest.left_out
        if "--prune" in rule.what
    ]
    return f"  without   {', '.join(pruned)}\n" if pruned else ""


_SHARED = {
    True: "yes: a node unpacks one copy for all users",
    False: "no: not every user can read it; make each directory above it executable by others",
}


def _print_warnings(console: Console, packed: PackedEnvironment, reference: Reference) -> None:
    notes = 0
    for finding in packed.manifest.findings:
        if finding.severity == "warning":
            # A file of a package may have any name.
            text = printable(f"Warning: {finding.text}", limit=None)
            console.print(text, markup=False, emoji=False, soft_wrap=True)
        else:
            notes += 1
    if notes:
        console.print(f"{notes} more notes: yarnhub envs show {reference}", highlight=False)


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
