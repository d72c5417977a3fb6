"""`yarnhub envs add`: builds a published environment again, with more packages.

It is built from the requirements in its manifest, and published where it is or, if the user may not
write there, among the user's own environments.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from env_packaging.cli import (
    Alias,
    Quiet,
    Show,
    Target,
    open_hdfs,
    own_env_root,
    publish_prefix,
    required_packages,
)
from env_packaging.errors import (
    EnvironmentNotFoundError,
    PrefixError,
    ReferenceFormatError,
    UnsafeEnvironmentError,
)
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    ENV_ROOT_VARIABLE,
    LATEST,
    Layout,
    PublishedEnvironment,
    Reference,
    check_alias,
    check_name,
    normalized,
    resolve,
    storage_errors,
)
from hadoop_client.printable import printable
from yarnhub.options import AsJson

if TYPE_CHECKING:
    from env_packaging.manifest import Package
    from hadoop_client.hdfs.filesystem import FileSystem

#: The write bits of group and others.
_OTHERS_WRITE = 0o022

Name = Annotated[str, typer.Argument(metavar="NAME", help="NAME, NAME:ALIAS or NAME@KEY.")]
Packages = Annotated[
    list[str],
    typer.Argument(metavar="PACKAGE", help="Packages as for pip, such as 'polars>=1'."),
]
NewName = Annotated[
    str,
    typer.Option("--as", metavar="NAME", help="Publish it under this name, not its present one."),
]
EnvRoot = Annotated[
    str,
    typer.Option(
        "--env-root",
        metavar="DIR",
        help="The HDFS directory that has NAME. Without it, NAME is looked for among your own "
        "environments, and then among the site's.",
    ),
]
Upgrade = Annotated[
    bool,
    typer.Option("--upgrade", help="Take new versions of other packages too. Default: keep them."),
]
TrustSources = Annotated[
    bool,
    typer.Option(
        "--trust-sources",
        help="Use the indexes, trusted hosts, URLs and paths in the requirements, although another "
        "user can write the manifest. Code from there runs as you.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")]


def add(  # noqa: PLR0913 - typer makes an option of each
    name: Name,
    packages: Packages,
    new_name: NewName = "",
    alias: Alias = LATEST,
    env_root: EnvRoot = "",
    upgrade: Upgrade = False,
    trust_sources: TrustSources = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Add packages to an environment.

    It is built again from the requirements that its manifest records, and published where it is. If
    you may not write there, it becomes one of your own environments.
    """
    with required_packages():
        from env_packaging.build.requirements import pins
        from env_packaging.build.sources import Origin, built_from

        filesystem = open_hdfs()
    own = own_env_root(filesystem.user)
    site = os.environ.get(ENV_ROOT_VARIABLE) or DEFAULT_ENV_ROOT
    found_in, base = _find(filesystem, [env_root] if env_root else [own, site], name)
    requirements = extended(base, packages)
    reference = Reference(check_name("name", new_name or base.name), check_alias(alias))
    writable = _may_write(filesystem, Layout(found_in, reference.name))
    target = Target(filesystem, found_in if writable else own, reference)
    if not quiet:
        _print_plan(base, found_in, packages, target)
        typer.echo(f"Requirements:\n{_listed(requirements)}", err=True)
    if not trust_sources and not _is_own(filesystem, Layout(found_in, base.name), base.key):
        refuse_sources(f"{base.name}@{base.key} of {found_in}", requirements[: -len(packages)])
    if dry_run:
        return
    kept = [] if upgrade else _others(base, packages)
    prefix = built_from(f"{base.name} with {', '.join(packages)}", requirements, pins(kept))
    origin = Origin(f"{base.name}@{base.key} in {found_in}", requirements)
    publish_prefix(prefix, target, Show(as_json, quiet), origin=origin)


def _find(
    filesystem: FileSystem, roots: Sequence[str], name: str
) -> tuple[str, PublishedEnvironment]:
    """Return the first of the directories that has an environment, and the environment."""
    *others, last = roots
    for root in others:
        try:
            return root, resolve(filesystem, root, name)
        except EnvironmentNotFoundError:
            continue
    return last, resolve(filesystem, last, name)


def extended(base: PublishedEnvironment, packages: Sequence[str]) -> tuple[str, ...]:
    """Return the requirements of an environment with more packages.

    A package that is required already is required as given now. Raises PrefixError if the
    environment cannot be built again here, and ReferenceFormatError for what is no package.
    """
    from env_packaging.build.requirements import missing_files, recorded

    manifest = base.manifest
    for package in packages:
        if package.startswith("-") or not recorded(package):
            raise ReferenceFormatError(
                f"{package!r} is not a package. Give packages as for pip, such as 'polars>=1'."
            )
    # Checked again: it is another user's file.
    requirements = recorded("\n".join(manifest.requirements))
    added = ", ".join(packages)
    if not requirements:
        raise PrefixError(
            f"{base.name}@{base.key} cannot be built again, because its manifest has no "
            "requirements that can be used. It has those of a requirements.txt without -r, -c, -e, "
            f"hashes, variables and relative paths. Add {added} to {manifest.source}, and publish "
            "it with yarnhub pack-env."
        )
    if missing := ", ".join(missing_files(requirements)):
        raise PrefixError(
            f"{base.name}@{base.key} was built with files that this machine does not have: "
            f"{missing}. Run the command on a machine that has them."
        )
    here, there = f"{sys.version_info[0]}.{sys.version_info[1]}", manifest.python_version
    if not f"{there}.".startswith(f"{here}."):
        raise PrefixError(
            f"{base.name}@{base.key} has Python {there}, and this yarnhub runs in Python {here}. "
            "Run the command with the yarnhub of that Python, such as in a server."
        )
    names = set(map(_name_of, packages))
    return (*(line for line in requirements if _name_of(line) not in names), *packages)


def refuse_sources(environment: str, requirements: Sequence[str]) -> None:
    """Raise UnsafeEnvironmentError if another user's requirements name where packages come from."""
    from env_packaging.build.requirements import names_source

    if sources := list(filter(names_source, requirements)):
        raise UnsafeEnvironmentError(
            f"{environment} cannot be built without your consent: another user can write its "
            "manifest, which names where packages come from. Code from there would run as you. "
            f"Give --trust-sources if you trust these lines:\n{_listed(sources)}"
        )


def _listed(requirements: Iterable[str]) -> str:
    return "\n".join(f"  {printable(line, limit=None)}" for line in requirements)


def _is_own(filesystem: FileSystem, layout: Layout, key: str) -> bool:
    """Return whether only the user can write and replace a manifest."""
    with storage_errors(f"look at {layout.manifest(key)}"):
        statuses = [filesystem.stat(path) for path in (layout.directory, layout.manifest(key))]
    return all(
        status.owner == filesystem.user and not status.mode & _OTHERS_WRITE for status in statuses
    )


def _others(base: PublishedEnvironment, packages: Sequence[str]) -> list[Package]:
    names = set(map(_name_of, packages))
    return [package for package in base.manifest.packages if normalized(package.name) not in names]


def _name_of(requirement: str) -> str:
    """Return the normalized name of the package that a requirement begins with."""
    return normalized(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])


def _may_write(filesystem: FileSystem, layout: Layout) -> bool:
    """Return whether the user may publish an environment."""
    with storage_errors(f"look at {layout.directory}"):
        for directory in (layout.directory, layout.env_root):
            try:
                filesystem.check_write(f"{directory}/{LATEST}")
            except FileNotFoundError:
                continue
            except PermissionError:
                return False
            else:
                return True
    return True  # the directory is made, if the user may do that


def _print_plan(
    base: PublishedEnvironment, found_in: str, packages: Sequence[str], target: Target
) -> None:
    user = target.filesystem.user
    why = f" {user} may not write to {found_in}." if target.env_root != found_in else ""
    typer.echo(
        f"Building {base.name}@{base.key} of {found_in} again, with {', '.join(packages)}. It is "
        f"published as {target.reference} in {target.env_root}.{why}",
        err=True,
    )
