"""Lists the members of an archive and the files that are left out, without reading a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from env_packaging.build import conda, python_prefix
from env_packaging.build.members import Listing, Member, resolve_links
from env_packaging.build.prefix import Prefix, PrefixKind
from env_packaging.build.prune import Preset, reason_to_prune
from env_packaging.errors import PrefixError

#: Increase it with each change of this package that refuses a prefix, or gives it another archive,
#: so that an untouched prefix is read again.
RULES_VERSION = 4


@dataclass(frozen=True)
class PrefixScan:
    """The members of the archive of a prefix, sorted by name, and the listing they are from."""

    prefix: Prefix
    listing: Listing = field(repr=False)
    members: list[Member] = field(repr=False)


def scan_prefix(prefix: Prefix, prune: Iterable[Preset] = ()) -> PrefixScan:
    """List a prefix. Raises PrefixError if it cannot be packed."""
    listing = _list_members(prefix)
    for name, member in list(listing.members.items()):
        reason = reason_to_prune(name, prune)
        if reason is not None:
            del listing.members[name]
            listing.exclude(reason, name, member.source)
    _exclude_nested_venvs(listing)
    members = resolve_links(listing)
    if not any(member.name == "bin/python" for member in members):
        raise PrefixError(f"{prefix.path} has no bin/python. Install Python in it.")
    return PrefixScan(prefix, listing, members)


def _exclude_nested_venvs(listing: Listing) -> None:
    """Leave out venvs inside the prefix, as pyenv has them in a Python's `envs`.

    They are separate environments, and lead to the Python of this machine.
    """
    directories = tuple(
        name.removesuffix("pyvenv.cfg")
        for name in listing.members
        if name.endswith("/pyvenv.cfg")
        and name.removesuffix("pyvenv.cfg") + "bin/python" in listing.members
    )
    for name, member in list(listing.members.items()):
        if directories and name.startswith(directories):
            del listing.members[name]
            listing.exclude("venvs inside the environment", name, member.source)


def _list_members(prefix: Prefix) -> Listing:
    if prefix.kind is PrefixKind.CONDA:
        return conda.list_conda(prefix)
    if prefix.kind is PrefixKind.VENV:
        return python_prefix.list_venv(prefix)
    return python_prefix.list_cpython(prefix)
