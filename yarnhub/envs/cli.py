"""`yarnhub envs`: lists, inspects and cleans up the published environments.

Slow imports are inside the commands, so that `--help` stays quick. Errors and exit codes are those
of `env_packaging.errors`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from env_packaging.cli import EnvRoot, Quiet, open_hdfs
from env_packaging.errors import (
    DamagedEnvironmentError,
    EnvironmentInUseError,
    EnvironmentNotFoundError,
    ReferenceFormatError,
)
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    names,
    parse_reference,
    resolve,
)
from hadoop_client.printable import printable
from yarnhub.envs.add import add
from yarnhub.envs.packages import app as packages
from yarnhub.envs.warm import warm
from yarnhub.options import AsJson, Target

if TYPE_CHECKING:
    from env_packaging.inventory import Stored
    from hadoop_client.hdfs.filesystem import FileSystem

app = typer.Typer(
    help="List, extend and clean up environments.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command()(add)
app.add_typer(packages, name="packages")
app.command()(warm)


@app.command("list")
def list_all(env_root: EnvRoot = DEFAULT_ENV_ROOT, as_json: AsJson = False) -> None:
    """List all environments.

    The table shows aliases, Python, size, age, and how many applications use each.
    """
    from env_packaging.inventory import as_json as to_json
    from yarnhub.envs.usage import UsageUnknownError, used_keys

    stored = _all_stored(open_hdfs(), env_root)
    try:
        used = used_keys()
    except UsageUnknownError as error:
        used = None
        typer.echo(printable(f"Warning: {error}"), err=True)
    _warn_of_aliases(stored)
    if as_json:
        _print_json(
            [to_json(env) | {"used_by": None if used is None else used[env.key]} for env in stored]
        )
        return
    if not stored:
        typer.echo(f"There is no environment in {env_root}. Publish one with yarnhub pack-env.")
        return
    from rich.console import Console

    from yarnhub.envs.show import table_of

    Console().print(table_of(stored, used), highlight=False)
    for env in stored:
        if env.damage:
            typer.echo(printable(f"Warning: {env} is damaged: {env.damage}"), err=True)


@app.command()
def show(reference: Target, env_root: EnvRoot = DEFAULT_ENV_ROOT, as_json: AsJson = False) -> None:
    """Show the contents of an environment.

    The warnings and notes of `yarnhub pack-env` are included.
    """
    published = resolve(open_hdfs(), env_root, reference)
    if as_json:
        manifest = json.loads(published.manifest.to_json())
        _print_json({"path": published.path, "public": published.public, "manifest": manifest})
        return
    from rich.console import Console

    from yarnhub.envs.show import print_manifest

    print_manifest(Console(), published.manifest, published.path, public=published.public)


@app.command()
def alias(
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The alias, as NAME:ALIAS.")],
    reference: Annotated[
        str, typer.Argument(metavar="TARGET", help="NAME:ALIAS or NAME@KEY.")
    ] = "",
    delete: Annotated[bool, typer.Option("--delete", help="Delete the alias.")] = False,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Point an alias to an environment.

    With --delete the alias is deleted.
    """
    from env_packaging.publish import delete_alias, set_alias
    from env_packaging.registry import Pointer

    parsed = parse_reference(alias)
    if parsed.key or bool(reference) == delete:
        raise ReferenceFormatError("Give NAME:ALIAS and its target, or NAME:ALIAS and --delete.")
    filesystem = open_hdfs()
    if delete:
        delete_alias(filesystem, env_root, parsed)
        _print_result(f"Deleted {parsed}.", {"alias": str(parsed), "key": None}, as_json, quiet)
        return
    target = resolve(filesystem, env_root, reference)
    if target.name != parsed.name:
        raise ReferenceFormatError(
            f"An alias of {parsed.name} cannot point to another environment, {target.name}."
        )
    set_alias(filesystem, env_root, parsed, Pointer(target.key))
    text = f"{parsed} points to {target.name}@{target.key}."
    _print_result(text, {"alias": str(parsed), "key": target.key}, as_json, quiet)


@app.command()
def verify(
    reference: Target,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare an archive with its manifest.

    It reads the whole archive from HDFS.
    """
    from rich.console import Console
    from rich.progress import Progress

    from env_packaging.verify import verify as find_problems

    filesystem = open_hdfs()
    published = resolve(filesystem, env_root, reference)
    label = f"{published.name}@{published.key}"
    errors = Console(stderr=True)
    with Progress(console=errors, disable=quiet or not errors.is_terminal) as bar:
        task = bar.add_task("reading", total=published.size_bytes)
        problems = find_problems(filesystem, published, lambda size: bar.advance(task, size))
    if as_json:
        _print_json({"path": published.path, "problems": problems})
    if problems:
        raise DamagedEnvironmentError(
            "\n".join(problems) + f"\nDo not use {label}: remove it, and pack it again."
        )
    if not (as_json or quiet):
        manifest = published.manifest
        typer.echo(printable(f"{label}: OK, {manifest.files:,} files, SHA-256 {manifest.sha256}."))


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="NAME, NAME:ALIAS or NAME@KEY.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="NAME, NAME:ALIAS or NAME@KEY.")],
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
) -> None:
    """Compare the packages of two environments."""
    from yarnhub.envs.show import package_changes, version

    filesystem = open_hdfs()
    before, after = (resolve(filesystem, env_root, reference).manifest for reference in (old, new))
    changes = package_changes(before.packages, after.packages)
    if before.python_version != after.python_version:
        versions = (before.python_version, after.python_version)
    else:
        versions = None
    if as_json:
        packages = {
            name: [version(package) if package else None for package in pair]
            for name, pair in changes.items()
        }
        _print_json({"python": versions, "packages": packages})
        return
    if versions:
        typer.echo(printable(f"  Python {versions[0]} -> {versions[1]}"))
    for name, (was, now) in changes.items():
        if was and now:
            typer.echo(f"  {printable(name)} {version(was)} -> {version(now)}")
        else:
            typer.echo(f"{'-' if was else '+'} {printable(name)} {version(was or now)}")
    if not (changes or versions):
        typer.echo("Both have the same packages.")


@app.command()
def remove(
    reference: Target,
    force: Annotated[
        bool, typer.Option("--force", help="Remove it even if an alias or an application needs it.")
    ] = False,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove one environment.

    An environment that an alias or an application needs is kept.
    """
    from env_packaging.garbage import delete, refuse_used
    from env_packaging.inventory import read_folder
    from yarnhub.envs.usage import used_keys

    filesystem = open_hdfs()
    parsed = parse_reference(reference)
    folder = read_folder(filesystem, env_root, parsed.name)
    key = parsed.key or folder.aliases.get(parsed.alias)
    stored = next((env for env in folder.stored if env.key == key), None)
    if stored is None:
        resolve(filesystem, env_root, reference)  # Its error lists the existing environments.
        raise EnvironmentNotFoundError(f"There is no {parsed} in {env_root}.")
    if not force:
        refuse_used(stored, used_keys().keys())
    if not delete(filesystem, env_root, stored, force=force):
        raise EnvironmentInUseError(f"{stored} was not removed: it just changed. Inspect it again.")
    _print_result(f"Removed {stored}.", {"removed": str(stored)}, as_json, quiet)


@app.command()
def gc(
    days: Annotated[
        float,
        typer.Option(
            "--older-than",
            min=0,
            metavar="DAYS",
            help="Keep environments that were published, or lost their last alias, within this "
            "many days.",
        ),
    ] = 7.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be removed, and remove nothing.")
    ] = False,
    env_root: EnvRoot = DEFAULT_ENV_ROOT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove environments that are not needed.

    An environment is needed if an alias points to it or an application uses it. Leftovers of failed
    uploads are removed too.

    A setting that names a key (NAME@KEY) does not count: give that environment an alias.
    """
    from env_packaging.garbage import delete_garbage, find_garbage
    from env_packaging.inventory import read_folder
    from hadoop_client.configuration import DAY_MS
    from yarnhub.envs.usage import used_keys

    filesystem = open_hdfs()
    oldest_ms = int(time.time() * 1000 - days * DAY_MS)
    removed: list[str] = []
    size_bytes = 0
    for name in names(filesystem, env_root):
        folder = read_folder(filesystem, env_root, name)
        _warn_of_aliases(folder.stored)
        # Listed again for each name: servers start while a large registry is read.
        garbage = find_garbage(folder, used_keys().keys(), oldest_ms)
        if not dry_run:
            garbage = delete_garbage(filesystem, env_root, garbage)
        removed += [str(env) for env in garbage.stored]
        removed += [temporary.path for temporary in garbage.temporaries]
        size_bytes += garbage.size_bytes
    verb = "Would remove" if dry_run else "Removed"
    lines = [f"{verb} {printable(name)}" for name in removed]
    lines.append(f"{verb} {len(removed)} in all, {size_bytes / 1e6:,.1f} MB.")
    result = {"removed": removed, "size_bytes": size_bytes, "dry_run": dry_run}
    _print_result("\n".join(lines), result, as_json, quiet)


def _all_stored(filesystem: FileSystem, env_root: str) -> list[Stored]:
    from env_packaging.inventory import read_folder

    return [
        stored
        for name in names(filesystem, env_root)
        for stored in read_folder(filesystem, env_root, name).stored
    ]


def _warn_of_aliases(stored: Iterable[Stored]) -> None:
    from yarnhub.envs.show import alias_warnings

    for warning in alias_warnings(stored):
        typer.echo(warning, err=True)


def _print_result(text: str, result: object, as_json: bool, quiet: bool) -> None:
    if as_json:
        _print_json(result)
    elif not quiet:
        typer.echo(text)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
