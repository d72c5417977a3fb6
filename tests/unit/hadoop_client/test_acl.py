"""A copy gives no user more access than its original."""

from __future__ import annotations

import pytest
from hdfs_native import AclEntry
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs.acl import permissions_for_copy

BOB = AclEntry("user", "access", "rw-", "bob")
ACTIONS = ("---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx")
NO_GROUP = AclEntry("group", "access", "---")


def shown(entries: list[AclEntry]) -> list[str]:
    return sorted(f"{e.type}:{e.name or ''}:{e.permissions}" for e in entries)


def test_a_mode_alone_is_a_whole_acl_of_three_entries() -> None:
    mode, entries = permissions_for_copy(0o640, [], same_group=True)
    assert mode == 0o640
    assert shown(entries) == ["group::r--", "other::---", "user::rw-"]


def test_with_an_acl_the_bits_of_the_group_are_the_mask() -> None:
    mode, entries = permissions_for_copy(0o660, [BOB, NO_GROUP], same_group=True)
    assert mode == 0o660
    assert shown(entries) == [
        *("group::---", "mask::rw-", "other::---", "user::rw-", "user:bob:rw-"),
    ]


@pytest.mark.parametrize(
    ("mode", "copied"), [(0o640, 0o600), (0o664, 0o644), (0o604, 0o600), (0o666, 0o666)]
)
def test_another_group_and_others_get_only_what_both_had(mode: int, copied: int) -> None:
    assert permissions_for_copy(mode, [], same_group=False)[0] == copied


def test_a_directory_keeps_its_default_entries_unless_the_group_differs() -> None:
    given = AclEntry("user", "default", "rwx", "bob")
    assert permissions_for_copy(0o1755, [given], same_group=True)[0] == 0o1755
    assert given in permissions_for_copy(0o755, [given], same_group=True)[1]
    mode, entries = permissions_for_copy(0o750, [given], same_group=False)
    assert (mode, shown(entries)) == (0o700, ["group::---", "other::---", "user::rwx"])


def test_a_former_owner_keeps_their_permissions() -> None:
    mode, entries = permissions_for_copy(
        0o660, [BOB, NO_GROUP], same_group=True, former_owner="alice"
    )
    assert mode == 0o660
    assert shown(entries) == [
        *("group::---", "mask::rw-", "other::---", "user::rw-"),
        *("user:alice:rw-", "user:bob:rw-"),
    ]
    saved_by_alice = [entry for entry in entries if entry.name or entry.type == "group"]
    assert shown(
        permissions_for_copy(mode, saved_by_alice, same_group=True, former_owner="bob")[1]
    ) == shown(entries)


def test_a_former_owner_whose_group_has_the_same_permissions_needs_no_entry() -> None:
    assert len(permissions_for_copy(0o664, [], same_group=True, former_owner="alice")[1]) == 3


@given(st.integers(0, 0o777), st.sampled_from(range(8)), st.sampled_from(range(8)))
def test_a_former_owners_entry_widens_no_other_access(mode: int, group: int, carl: int) -> None:
    acl = [
        AclEntry("group", "access", ACTIONS[group]),
        AclEntry("user", "access", ACTIONS[carl], "carl"),
    ]
    mask = mode >> 3 & 7
    copied, entries = permissions_for_copy(mode, acl, same_group=True, former_owner="alice")
    effective = {
        (e.type, e.name or ""): ACTIONS.index(e.permissions) & (copied >> 3 & 7) for e in entries
    }
    assert effective["group", ""] == group & mask
    assert effective["user", "carl"] == carl & mask
    assert effective.get(("user", "alice"), group & mask) & (mode >> 6) == mode >> 6


@given(st.integers(0, 0o1777), st.booleans())
def test_no_class_of_people_gets_more(mode: int, same_group: bool) -> None:
    copied, _ = permissions_for_copy(mode, [], same_group=same_group)
    assert copied & ~mode == 0
    assert copied == mode or not same_group
