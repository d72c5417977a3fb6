"""`yarnhub envs`: looks at the published environments, and keeps them in order.

What is heavy is imported when a command runs, so that `--help` stays quick. The errors are of
`env_packaging.errors`, whose exit codes these commands have.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from env_packaging.errors import (
    DamagedEnvironment,
    EnvironmentInUseError,
    EnvironmentNotFoundError,
    ReferenceFormatError,
)
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    names,
    parse_reference,
    resolve,
    storage_errors,
)
from yarnhub.envs.warm import warm
from yarnhub.options import AsJson, EnvRoot, Quiet, Target

if TYPE_CHECKING:
    from env_packaging.inventory import Stored
    from hadoop_client.hdfs.filesystem import FileSystem

app = typer.Typer(
    help="Look at the published environments, and keep them in order.", no_args_is_help=True
)

app.command()(warm)

_DAY_MS = 86_400_000


@app.command("list")
def list_all(env_root: EnvRoot = DEFAULT_ENV_ROOT, as_json: AsJson = False) -> None:
    """List all environments: aliases, Python, size, age, and how many applications use each."""
    from env_packaging.inventory import as_json as described
    from yarnhub.envs.usage import UsageUnknownError, used_keys

    stored = _all_stored(_open(), env_root)
    try:
        used = used_keys()
    except UsageUnknownError as error:
        used = None
        typer.echo(f"Warning: {error}", err=True)
    _warn_of_aliases(stored)
    if as_json:
        counts = {each: None if used is None else used[each.key] for each in stored}
        _print_json([described(each) | {"used_by": counts[each]} for each in stored])
        return
    if not stored:
        typer.echo(f"There is no environment in {env_root}: yarnhub pack-env publishes one.")
        return
    from rich.console import Console

    from yarnhub.envs.show import table_of

    Console().print(table_of(stored, used), highlight=False)
    for each in stored:
        if each.damage:
            typer.echo(f"Warning: {each} is damaged: {each.damage}", err=True)


@app.command()
def show(reference: Target, env_root: EnvRoot = DEFAULT_ENV_ROOT, as_json: AsJson = False) -> None:
    """Show what an environment holds, and what its packer found."""
    found = resolve(_open(), env_root, reference)
    if as_json:
        manifest = json.loads(found.manifest.to_json())
        _print_json({"path": found.path, "public": found.public, "manifest": manifest})
        return
    from rich.console import Console

    from yarnhub.envs.show import print_manifest

    print_manifest(Console(), found.manifest, found.path, public=found.public)


@app.command()
def alias(
    alias: Annotated[str, typer.Argument(help="NAME:ALIAS, the alias that is meant.")],
    reference: Annotated[
        str, typer.Argument(help="What it stands for from now on: NAME:ALIAS or NAME@KEY.")
    ] = "",
    delete: Annotated[bool, typer.Option("--delete", help="Delete the alias.")] = False,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Let an alias stand for an environment, or delete the alias."""
    from env_packaging.publish import delete_alias, set_alias
    from env_packaging.registry import Pointer

    meant = parse_reference(alias)
    if meant.key or bool(reference) == delete:
        raise ReferenceFormatError(
            "Give NAME:ALIAS and what it is to stand for, or NAME:ALIAS and --delete."
        )
    filesystem = _open()
    if delete:
        delete_alias(filesystem, env_root, meant)
        _done(f"Deleted {meant}.", {"alias": str(meant), "key": None}, as_json, quiet)
        return
    found = resolve(filesystem, env_root, reference)
    if found.name != meant.name:
        raise ReferenceFormatError(
            f"An alias of {meant.name} can't stand for another environment, {found.name}."
        )
    set_alias(filesystem, env_root, meant, Pointer(found.key))
    said = f"{meant} stands for {found.name}@{found.key}."
    _done(said, {"alias": str(meant), "key": found.key}, as_json, quiet)


@app.command()
def verify(
    reference: Target,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read all of an archive, and compare it with its manifest."""
    from rich.console import Console
    from rich.progress import Progress

    from env_packaging.verify import verify as problems_of

    filesystem = _open()
    found = resolve(filesystem, env_root, reference)
    errors = Console(stderr=True)
    with Progress(console=errors, disable=quiet or not errors.is_terminal) as bar:
        task = bar.add_task("reading", total=found.size_bytes)
        problems = problems_of(filesystem, found, lambda size: bar.advance(task, size))
    if as_json:
        _print_json({"path": found.path, "problems": problems})
    if problems:
        raise DamagedEnvironment(
            "\n".join(problems)
            + f"\nNobody should use {found.name}@{found.key}: remove it, and pack it again."
        )
    if not (as_json or quiet):
        typer.echo(
            f"{found.name}@{found.key} is well: {found.manifest.files:,} files, "
            f"SHA-256 {found.manifest.sha256}."
        )


@app.command()
def diff(
    old: Target, new: Target, env_root: EnvRoot = DEFAULT_ENV_ROOT, as_json: AsJson = False
) -> None:
    """Compare the packages of two environments."""
    from yarnhub.envs.show import package_changes, version

    filesystem = _open()
    before, after = (resolve(filesystem, env_root, each).manifest for each in (old, new))
    changes = package_changes(before.packages, after.packages)
    if before.python_version != after.python_version:
        versions = (before.python_version, after.python_version)
    else:
        versions = None
    if as_json:
        packages = {
            name: [version(each) if each else None for each in pair]
            for name, pair in changes.items()
        }
        _print_json({"python": versions, "packages": packages})
        return
    if versions:
        typer.echo(f"  Python {versions[0]} -> {versions[1]}")
    for name, (was, now) in changes.items():
        if was and now:
            typer.echo(f"  {name} {version(was)} -> {version(now)}")
        else:
            typer.echo(f"{'-' if was else '+'} {name} {version(was or now)}")
    if not (changes or versions):
        typer.echo("They have the same packages.")


@app.command()
def remove(
    reference: Target,
    force: Annotated[
        bool, typer.Option("--force", help="Even if an alias or an application needs it.")
    ] = False,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove one environment, unless an alias or an application needs it."""
    from env_packaging.garbage import delete, refuse_used
    from env_packaging.inventory import read_folder
    from yarnhub.envs.usage import used_keys

    filesystem = _open()
    meant = parse_reference(reference)
    folder = read_folder(filesystem, env_root, meant.name)
    key = meant.key or folder.aliases.get(meant.alias)
    stored = next((each for each in folder.stored if each.key == key), None)
    if stored is None:
        resolve(filesystem, env_root, reference)  # its error says what there is
        raise EnvironmentNotFoundError(f"There is no {meant} in {env_root}.")
    if not force:
        refuse_used(stored, used_keys().keys())
    if not delete(filesystem, env_root, stored, force=force):
        raise EnvironmentInUseError(f"{stored} is kept, as it was just changed: look at it again.")
    _done(f"Removed {stored}.", {"removed": str(stored)}, as_json, quiet)


@app.command()
def gc(
    days: Annotated[
        float,
        typer.Option(
            "--older-than",
            min=0,
            help="Keep what was published, or left by an alias, within these days.",
        ),
    ] = 7.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove what no alias and no application needs, and what uploads that broke off have left.

    A key that a setting names (NAME@KEY) is not seen: give it an alias.
    """
    from env_packaging.garbage import delete, find_garbage, sweep
    from env_packaging.inventory import read_folder
    from yarnhub.envs.usage import used_keys

    filesystem = _open()
    oldest_ms = int(time.time() * 1000 - days * _DAY_MS)
    removed: list[str] = []
    size_bytes = 0
    for name in names(filesystem, env_root):
        folder = read_folder(filesystem, env_root, name)
        _warn_of_aliases(folder.stored)
        # Asked for each: a large registry takes a while, and servers start meanwhile.
        garbage = find_garbage(folder, used_keys().keys(), oldest_ms)
        if not dry_run:
            gone = [each for each in garbage.stored if delete(filesystem, env_root, each)]
            garbage = replace(garbage, stored=tuple(gone))
            sweep(filesystem, garbage)
        removed += [str(each) for each in garbage.stored]
        removed += [each.path for each in garbage.temporaries]
        size_bytes += garbage.size_bytes
    verb = "Would remove" if dry_run else "Removed"
    lines = [f"{verb} {each}" for each in removed]
    lines.append(f"{verb} {len(removed)} in all, {size_bytes / 1e6:,.1f} MB.")
    result = {"removed": removed, "size_bytes": size_bytes, "dry_run": dry_run}
    _done("\n".join(lines), result, as_json, quiet)


def _open() -> FileSystem:
    from hadoop_client.hdfs.filesystem import open_filesystem

    with storage_errors("open HDFS"):
        return open_filesystem()


def _all_stored(filesystem: FileSystem, env_root: str) -> list[Stored]:
    from env_packaging.inventory import read_folder

    return [
        stored
        for name in names(filesystem, env_root)
        for stored in read_folder(filesystem, env_root, name).stored
    ]


def _warn_of_aliases(stored: Iterable[Stored]) -> None:
    from yarnhub.envs.show import alias_warnings

    for each in alias_warnings(stored):
        typer.echo(each, err=True)


def _done(said: str, result: dict[str, Any], as_json: bool, quiet: bool) -> None:
    if as_json:
        _print_json(result)
    elif not quiet:
        typer.echo(said)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
