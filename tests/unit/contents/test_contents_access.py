"""A copy gives nobody more than its original does."""

from __future__ import annotations

import pytest
from hdfs_native import AclEntry
from hypothesis import given
from hypothesis import strategies as st

from hdfs_contents.access import to_copy

BOB = AclEntry("user", "access", "rw-", "bob")
NO_GROUP = AclEntry("group", "access", "---")


def shown(entries: list[AclEntry]) -> list[str]:
    return sorted(f"{e.type}:{e.name or ''}:{e.permissions}" for e in entries)


def test_a_mode_alone_is_a_whole_acl_of_three_entries() -> None:
    mode, entries = to_copy(0o640, [], same_group=True)
    assert mode == 0o640
    assert shown(entries) == ["group::r--", "other::---", "user::rw-"]


def test_with_an_acl_the_bits_of_the_group_are_the_mask() -> None:
    mode, entries = to_copy(0o660, [BOB, NO_GROUP], same_group=True)
    assert mode == 0o660
    assert shown(entries) == [
        *("group::---", "mask::rw-", "other::---", "user::rw-", "user:bob:rw-"),
    ]


@pytest.mark.parametrize(
    ("mode", "copied"), [(0o640, 0o600), (0o664, 0o644), (0o604, 0o600), (0o666, 0o666)]
)
def test_another_group_gets_what_others_had_and_the_old_one_no_more_than_it_had(
    mode: int, copied: int
) -> None:
    assert to_copy(mode, [], same_group=False)[0] == copied


def test_a_directory_gives_to_new_files_what_its_original_gives_unless_the_group_differs() -> None:
    given = AclEntry("user", "default", "rwx", "bob")
    assert to_copy(0o1755, [given], same_group=True)[0] == 0o1755
    assert given in to_copy(0o755, [given], same_group=True)[1]
    mode, entries = to_copy(0o750, [given], same_group=False)
    assert (mode, shown(entries)) == (0o700, ["group::---", "other::---", "user::rwx"])


@given(st.integers(0, 0o1777), st.booleans())
def test_no_class_of_people_gets_more(mode: int, same_group: bool) -> None:
    copied, _ = to_copy(mode, [], same_group=same_group)
    assert copied & ~mode == 0
    assert copied == mode or not same_group
