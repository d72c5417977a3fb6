"""Who may do what with a file, as HDFS writes it: a mode, and perhaps an ACL. Pure functions.

A file that has an ACL shows the ACL's mask where the group's bits of its mode are: the mode alone
doesn't say what the owning group may do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from hdfs_native import AclEntry

_Action = Literal["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"]

#: By their three bits.
_ACTIONS: tuple[_Action, ...] = get_args(_Action)


def permissions_for_copy(
    mode: int, acl: Sequence[AclEntry], *, same_group: bool, former_owner: str | None = None
) -> tuple[int, list[AclEntry]]:
    """Return the mode and the whole ACL that give a copy the access that its original has.

    `acl` is what the NameNode says of the original: the named entries and that of the group, or
    nothing, and of a directory also what it gives to new files. Without `same_group` the copy
    belongs to another group: then nobody who was in one class and is in another now, of group and
    others, gets more than before, and new files are as the directory above has it. A `former_owner`
    keeps what the owner may do, by an entry of their own where the group has less.
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
        # A wider mask is to let nobody else in.
        group &= mask
        kept = (entry for entry in named if (entry.type, entry.name) != ("user", former_owner))
        named = [_entry(each.type, _bits(each) & mask, each.name) for each in kept]
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
