from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env_packaging.build.members import (
    BrokenLinkError,
    Listing,
    Member,
    MemberKind,
    check_name,
    inner_target,
    member_for,
    resolve_links,
    walk_files,
)
from env_packaging.errors import PrefixError
from tests.unit.env_packaging.prefixes import write

PARTS = st.sampled_from(["a", "b", "..", ".", "", "\0", "~", "a\nb", "-rf", "\\", "é", "\udcff"])


@given(st.lists(PARTS, max_size=5), st.booleans())
def test_an_accepted_name_stays_in_the_directory_it_is_unpacked_in(
    parts: list[str], absolute: bool
) -> None:
    name = ("/" if absolute else "") + "/".join(parts)
    try:
        check_name(name)
    except PrefixError:
        return
    unpacked = posixpath.normpath(posixpath.join("/unpacked", name))
    assert unpacked == "/unpacked/" + name


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x", "a/../../b", "a//b", "./a", "a/", "\0"]
)
def test_a_name_that_could_leave_it_is_refused(name: str) -> None:
    with pytest.raises(PrefixError, match="must be relative to the prefix and stay in it"):
        check_name(name)


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(["a", "b", "..", "."]), min_size=1, max_size=6),
    st.sampled_from(["", "/env/", "/environment/", "/etc/", "/env/../etc/", "/"]),
)
def test_a_kept_link_leads_to_the_same_path(
    name_parts: list[str], target_parts: list[str], start: str
) -> None:
    name, target = "/".join(name_parts), start + "/".join(target_parts)
    inner = inner_target(name, target, ["/env"])
    directory = posixpath.dirname("/env/" + name)
    leads_to = posixpath.normpath(posixpath.join(directory, target))
    if inner is None:
        assert not leads_to.startswith("/env/")
    else:
        assert not inner.startswith("/")
        assert posixpath.normpath(posixpath.join(directory, inner)) == leads_to


def test_files_keep_only_whether_they_can_be_run(tmp_path: Path) -> None:
    file = write(tmp_path / "tool", "x", 0o6777)
    assert stat.S_IMODE(member_for("tool", file, []).mode) == 0o755
    file.chmod(0o600)
    assert member_for("tool", file, []).mode == 0o644


def test_an_absolute_link_into_the_environment_becomes_a_relative_one(tmp_path: Path) -> None:
    write(tmp_path / "lib/real.so", "x")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/link.so").symlink_to(tmp_path / "lib/real.so")
    member = member_for("bin/link.so", tmp_path / "bin/link.so", [str(tmp_path)])
    assert (member.kind, member.target) == (MemberKind.LINK, "../lib/real.so")


def test_a_link_out_of_the_environment_is_packed_as_the_file_it_leads_to(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "x", 0o755)
    (tmp_path / "env").mkdir()
    link = tmp_path / "env/link"
    link.symlink_to("../outside")
    member = member_for("link", link, [str(tmp_path / "env")])
    assert member == Member("link", outside, MemberKind.FILE, 0o755)


def test_a_link_to_a_directory_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env/link").symlink_to("/etc")
    with pytest.raises(PrefixError, match=r"link to /etc, which is outside .* by a copy"):
        member_for("link", tmp_path / "env/link", [str(tmp_path / "env")])


@pytest.mark.parametrize("target", ["nowhere", "/nowhere", "../nowhere", "link"])
def test_a_broken_link_is_left_out_and_recorded(target: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(BrokenLinkError):
        member_for("link", tmp_path / "link", [])
    listing = Listing()
    listing.add("link", tmp_path / "link", [])
    assert (listing.members, listing.broken) == ({}, ["link"])


def test_a_pipe_is_refused_with_its_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PrefixError, match=r"pipe is not a regular file .* Remove it"):
        member_for("pipe", tmp_path / "pipe", [])


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PrefixError, match="cannot be read: No such file"):
        member_for("gone", tmp_path / "gone", [])


def test_links_to_directories_are_listed_and_bytecode_is_not(tmp_path: Path) -> None:
    write(tmp_path / "a/x.py", "")
    write(tmp_path / "a/__pycache__/x.pyc", "")
    write(tmp_path / "skipped/y.py", "")
    write(tmp_path / "a/skipped/z.py", "")
    (tmp_path / "b").symlink_to("a")
    assert sorted(walk_files(tmp_path, ["skipped"])) == ["a/skipped/z.py", "a/x.py", "b"]


def link(name: str, target: str) -> Member:
    return Member(name, Path("/env") / name, MemberKind.LINK, target=target)


def listing_of(*members: Member, excluded: Iterable[str] = ()) -> Listing:
    return Listing({member.name: member for member in members}, excluded=set(excluded))


def test_a_link_to_a_file_that_was_left_out_is_left_out_with_the_links_to_it() -> None:
    members = [link("idle", "idle3"), link("idle3", "idle3.11"), Member("a", Path("/env/a"))]
    listing = listing_of(*members, link("d", "tests"), excluded=["idle3.11", "tests/x/y.py"])
    assert [member.name for member in resolve_links(listing)] == ["a"]


def test_links_to_files_and_directories_and_through_links_are_kept() -> None:
    members = [
        Member("lib/python/os.py", Path("/env/lib/python/os.py")),
        link("lib64", "lib"),
        link("os.py", "lib64/python/os.py"),
        link("library", "lib/python"),
    ]
    assert len(resolve_links(listing_of(*members))) == 4


def test_a_link_through_a_link_to_a_file_that_was_left_out_is_left_out() -> None:
    members = [
        Member("lib/python/os.py", Path("/env/lib/python/os.py")),
        link("lib64", "lib"),
        link("test.py", "lib64/python/test.py"),
    ]
    resolved = resolve_links(listing_of(*members, excluded=["lib/python/test.py"]))
    assert [member.name for member in resolved] == ["lib/python/os.py", "lib64"]


def test_a_link_to_a_file_that_is_not_listed_becomes_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "pkgs/six-1/six.py", "x", 0o755)
    (tmp_path / "six.py").symlink_to("pkgs/six-1/six.py")
    (tmp_path / "again.py").symlink_to("six.py")
    members = [
        Member("six.py", tmp_path / "six.py", MemberKind.LINK, target="pkgs/six-1/six.py"),
        Member("again.py", tmp_path / "again.py", MemberKind.LINK, target="six.py"),
    ]
    again, six = resolve_links(listing_of(*members))
    assert six == Member("six.py", file, MemberKind.FILE, 0o755)
    assert again.kind is MemberKind.LINK or again.source == file


def test_a_link_to_a_directory_that_is_not_listed_is_refused_unless_it_is_empty(
    tmp_path: Path,
) -> None:
    (tmp_path / "pkgs/six-1").mkdir(parents=True)
    (tmp_path / "six").symlink_to("pkgs/six-1")
    listing = listing_of(Member("six", tmp_path / "six", MemberKind.LINK, target="pkgs/six-1"))
    assert resolve_links(listing) == []
    write(tmp_path / "pkgs/six-1/six.py", "x")
    with pytest.raises(PrefixError, match=r"six is a link to .*/pkgs/six-1, which is not packed"):
        resolve_links(listing)


def test_a_link_to_the_environment_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(".")
    with pytest.raises(PrefixError, match="self is a link to the environment itself"):
        member_for("self", tmp_path / "self", [str(tmp_path)])


def test_a_member_below_a_link_is_refused() -> None:
    members = [link("lib", "/tmp"), Member("lib/x", Path("/env/lib/x"))]
    with pytest.raises(PrefixError, match=r"/env/lib is a file or a link.*'lib/x'"):
        resolve_links(listing_of(*members))
