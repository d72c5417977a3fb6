"""How environments look on a terminal, at 80 columns and at fewer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from env_packaging.inventory import Stored
from env_packaging.manifest import Manifest, Package


def table_of(stored: Iterable[Stored], used: Mapping[str, int] | None) -> Table:
    """Return the table of all environments. `used` is None where YARN did not tell."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("NAME", "ALIASES", "KEY", "PYTHON"):
        table.add_column(title, overflow="fold")
    for title in ("SIZE", "AGE", "USED BY"):
        table.add_column(title, justify="right", overflow="fold")
    for each in stored:
        table.add_row(
            each.name,
            ", ".join(each.aliases) or "-",
            each.key,
            each.manifest.python_version if each.manifest else "damaged",
            megabytes(each.archive.size) if each.archive else "-",
            age(each.modified_ms),
            "?" if used is None else str(used.get(each.key, 0)),
        )
    return table


def alias_warnings(stored: Iterable[Stored]) -> list[str]:
    """Name each alias of which nobody can tell what it stands for, and so what is not needed."""
    unread = dict.fromkeys((each.name, alias) for each in stored for alias in each.unread_aliases)
    return [
        f"Warning: the alias {name}:{alias} can't be read or trusted, so that nothing of "
        f"{name} is removed: yarnhub envs show {name}:{alias} says why."
        for name, alias in unread
    ]


def print_manifest(console: Console, manifest: Manifest, path: str, *, public: bool) -> None:
    """Print what an environment is, and what its packer found."""
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
        "packages": ", ".join(f"{each.name} {each.version}" for each in manifest.packages) or "-",
        "left out": ", ".join(f"{each.what} ({each.files:,} files)" for each in manifest.left_out)
        or "nothing",
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in lines.items():
        table.add_row(title, _shown(text))
    for finding in manifest.findings:
        table.add_row(finding.severity, _shown(finding.message))
    console.print(table, highlight=False)


def _shown(text: str) -> Text:
    """Return a text that holds no markup, and nothing that no terminal takes: a file's name may be
    no UTF-8."""
    return Text(text.encode(errors="backslashreplace").decode())


def package_changes(
    old: Iterable[Package], new: Iterable[Package]
) -> dict[str, tuple[Package | None, Package | None]]:
    """Return the packages that are not the same in both, each as it was and as it is."""
    before, after = ({each.name: each for each in packages} for packages in (old, new))
    return {
        name: (before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


def version(package: Package | None) -> str:
    """Return a package's version, with its build where it has one."""
    if package is None:
        return "-"
    return package.version + (f" {package.build}" if package.build else "")


def megabytes(size_bytes: int) -> str:
    """Return a size as people read it."""
    return f"{size_bytes / 1e6:,.1f} MB"


def age(modified_ms: int) -> str:
    """Return how long ago that was, in its largest unit."""
    seconds = max(0, int(time.time() - modified_ms / 1000))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
