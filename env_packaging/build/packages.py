"""Finds the installed distributions of an environment from its members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.parser import BytesHeaderParser
from pathlib import Path

from env_packaging.build.conda import conda_packages
from env_packaging.build.members import PACKAGE_DIRECTORY, Member
from env_packaging.build.prefix import Prefix, PrefixKind
from env_packaging.manifest import Package
from env_packaging.registry import normalized

#: A distribution's metadata directly in a package directory. Metadata further down belongs to
#: distributions that packages vendor.
_METADATA = re.compile(
    rf".*/{PACKAGE_DIRECTORY}/[^/]+(\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)"
)


def installed_packages(prefix: Prefix, members: Iterable[Member]) -> tuple[Package, ...]:
    """Return each distribution once, sorted by name, in the version that Python finds.

    Conda's record of a package counts unless another tool installed a different version over it.
    """
    by_name: dict[str, Package] = {}
    if prefix.kind is PrefixKind.CONDA:
        by_name = {normalized(package.name): package for package in conda_packages(prefix.path)}
    seen: set[str] = set()
    for package, installer in _distributions(members):
        name = normalized(package.name)
        recorded = by_name.get(name)
        replaced = recorded and recorded.version != package.version and installer != "conda"
        if name not in seen and (replaced or not recorded):
            by_name[name] = package
        seen.add(name)
    return tuple(by_name[name] for name in sorted(by_name))


def has_distributions(members: Iterable[Member]) -> bool:
    """Return whether any distribution is installed."""
    return any(_METADATA.fullmatch(member.name) for member in members)


def _distributions(members: Iterable[Member]) -> Iterator[tuple[Package, str]]:
    """Yield the distributions with their installers, in the order in which Python finds them."""
    metadata = (member for member in members if _METADATA.fullmatch(member.name))
    for member in sorted(metadata, key=_search_order):
        name, version = _read_metadata(member.source)
        if name and version:
            yield Package(name, version), _installer(member)


def _search_order(member: Member) -> tuple[bool, list[str]]:
    """Sort the packages that a venv inherits after its own."""
    parts = member.name.split("/")
    return any(part.startswith("base-packages") for part in parts), parts


def _read_metadata(path: Path) -> tuple[str, str]:
    with path.open("rb") as file:
        headers = BytesHeaderParser().parse(file)
    # A header that is not ASCII is an object of its own.
    return str(headers["Name"] or ""), str(headers["Version"] or "")


def _installer(member: Member) -> str:
    try:
        return member.source.with_name("INSTALLER").read_text(errors="replace").strip()
    except OSError:
        return ""
