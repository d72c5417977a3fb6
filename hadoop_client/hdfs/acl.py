"""Permissions of a copy: a mode and perhaps an ACL. Pure functions.

If a file has an ACL, the group bits of its mode are the ACL's mask. The permissions of the owning
group are then in the ACL only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from hdfs_native import AclEntry

_Action = Literal["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"]

#: Indexed by the three permission bits.
_ACTIONS: tuple[_Action, ...] = get_args(_Action)


def permissions_for_copy(
    mode: int, acl: Sequence[AclEntry], *, same_group: bool, former_owner: str | None = None
) -> tuple[int, list[AclEntry]]:
    """Return the mode and the complete ACL with which a copy has the original's permissions.

    `acl` is the NameNode's answer for the original: its named entries and its group's, or nothing,
    and a directory's default entries.

    Without `same_group` the copy belongs to another group. Users may then move between the classes
    group and others, so both get only the permissions that both had. Default entries are dropped.

    A `former_owner` keeps the owner's permissions: through a named entry if the group has fewer.
    """
    sticky = mode & 0o1000
    owner, mask, other = ((mode >> shift) & 7 for shift in (6, 3, 0))
    own = [entry for entry in acl if entry.scope == "access"]
    group = next((_bits(entry) for entry in own if not entry.name), mask)
    if not same_group:
        group = other = group & mask & other
    if not own:
        mask = group
    named = [entry for entry in own if entry.name]
    if former_owner is not None and owner & ~(group & mask):
        # The mask grows below. The other entries are cut to the old mask, so that they do not.
        group &= mask
        others = (entry for entry in named if (entry.type, entry.name) != ("user", former_owner))
        named = [_entry(entry.type, _bits(entry) & mask, entry.name) for entry in others]
        named.append(_entry("user", owner, former_owner))
        mask |= owner
    entries = [_entry("user", owner), _entry("group", group), _entry("other", other)]
    if own or named:
        entries += [*named, _entry("mask", mask)]
    if same_group:
        entries += [entry for entry in acl if entry.scope == "default"]
    return sticky | owner << 6 | mask << 3 | other, entries


def _bits(entry: AclEntry) -> int:
    return _ACTIONS.index(entry.permissions)


def _entry(
    type: Literal["user", "group", "mask", "other"], bits: int, name: str | None = None
) -> AclEntry:
    return AclEntry(type, "access", _ACTIONS[bits], name)
