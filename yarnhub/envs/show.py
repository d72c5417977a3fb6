"""Tables of environments for a terminal, of 80 columns or fewer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from env_packaging.inventory import Stored
from env_packaging.manifest import Manifest, Package
from hadoop_client.printable import printable
from yarnhub.format import age, megabytes


def table_of(stored: Iterable[Stored], used: Mapping[str, int] | None) -> Table:
    """Return the table of all environments. `used` is None if YARN did not report usage."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("NAME", "ALIASES", "KEY", "PYTHON"):
        table.add_column(title, overflow="fold")
    for title in ("SIZE", "AGE", "USED BY"):
        table.add_column(title, justify="right", overflow="fold")
    for env in stored:
        cells = (
            env.name,
            ", ".join(env.aliases) or "-",
            env.key,
            env.manifest.python_version if env.manifest else "damaged",
            megabytes(env.archive.size) if env.archive else "-",
            age(time.time() - env.modified_ms / 1000),
            "?" if used is None else str(used.get(env.key, 0)),
        )
        # Each publisher chooses aliases and the text of a manifest, "[/x]" for example.
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def alias_warnings(stored: Iterable[Stored]) -> list[str]:
    """Return a warning for each alias whose target is unknown: any environment could be needed."""
    unread = dict.fromkeys((env.name, alias) for env in stored for alias in env.unread_aliases)
    return [
        printable(
            f"Warning: the alias {name}:{alias} cannot be read or trusted, so no environment of "
            f"{name} is removed. See: yarnhub envs show {name}:{alias}."
        )
        for name, alias in unread
    ]


def print_manifest(console: Console, manifest: Manifest, path: str, *, public: bool) -> None:
    """Print the contents of an environment, and the findings of its packer."""
    lines = {
        "archive": path,
        "Python": f"{manifest.python_version} on {manifest.platform}, {manifest.libc}",
        "nodes": f"need glibc {manifest.glibc_floor} or later"
        if manifest.glibc_floor
        else "may have any glibc",
        "size": f"{megabytes(manifest.archive_bytes)}, {megabytes(manifest.unpacked_bytes)} "
        f"unpacked in {manifest.files:,} files",
        "SHA-256": manifest.sha256,
        "packed": f"{manifest.created} by {manifest.created_by} with {manifest.tool}",
        "from": f"{manifest.source} ({manifest.kind})",
        "shared": "yes: a node unpacks one copy for all users"
        if public
        else "no: not every user may read it",
        "left out": ", ".join(
            f"{omission.what} ({omission.files:,} files)" for omission in manifest.left_out
        )
        or "nothing",
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in lines.items():
        table.add_row(title, Text(printable(text, limit=None)))
    for finding in manifest.findings:
        cells = (finding.severity, finding.text)
        table.add_row(*(Text(printable(cell, limit=None)) for cell in cells))
    packages = ", ".join(f"{package.name} {package.version}" for package in manifest.packages)
    table.add_row("packages", Text(printable(packages, limit=None) or "-"))
    console.print(table, highlight=False)


def package_changes(
    old: Iterable[Package], new: Iterable[Package]
) -> dict[str, tuple[Package | None, Package | None]]:
    """Return the packages that differ, each as in the old and in the new environment."""
    before, after = ({package.name: package for package in packages} for packages in (old, new))
    return {
        name: (before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


def version(package: Package | None) -> str:
    """Return a package's version, with its build if it has one."""
    if package is None:
        return "-"
    return printable(package.version + (f" {package.build}" if package.build else ""))
