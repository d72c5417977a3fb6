"""What of a prefix goes into an archive, and what is left out of it; no file is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from env_packaging.build import conda, python_prefix
from env_packaging.build.members import Listing, Member, drop_dangling_links
from env_packaging.build.prefix import Prefix, PrefixKind
from env_packaging.build.prune import Preset, reason_to_prune
from env_packaging.errors import PrefixError

#: Counts up whenever the same prefix would give another archive by a change in this package.
RULES_VERSION = 1


@dataclass(frozen=True)
class PrefixScan:
    """The members of an archive that is to be made, sorted by name, and what is not in it."""

    prefix: Prefix
    listing: Listing = field(repr=False)
    members: list[Member] = field(repr=False)


def survey_prefix(prefix: Prefix, prune: Iterable[Preset] = ()) -> PrefixScan:
    """List a prefix. Raises PrefixError for what can't be packed."""
    listing = _list_members(prefix)
    for name, member in list(listing.members.items()):
        reason = reason_to_prune(name, prune)
        if reason is not None:
            del listing.members[name]
            listing.exclude(reason, member.source)
    members = drop_dangling_links(listing.members.values())
    if not any(member.name == "bin/python" for member in members):
        raise PrefixError(f"{prefix.path} has no bin/python: install Python in it.")
    return PrefixScan(prefix, listing, members)


def _list_members(prefix: Prefix) -> Listing:
    if prefix.kind is PrefixKind.CONDA:
        return conda.list_conda(prefix)
    if prefix.kind is PrefixKind.VENV:
        return python_prefix.list_venv(prefix)
    return python_prefix.list_cpython(prefix)
