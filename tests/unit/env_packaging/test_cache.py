from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from env_packaging.build.cache import PackCache, default_directory, open_cache


def cache_in(directory: Path) -> PackCache:
    cache = open_cache(directory)
    assert cache
    return cache


def add(cache: PackCache, key: str, content: bytes) -> None:
    entry = cache.create(key)
    assert entry
    entry.write(content)
    entry.commit()


def content_of(cache: PackCache, key: str) -> bytes | None:
    entry = cache.open(key)
    if entry is None:
        return None
    with entry:
        return b"".join(entry.chunks(0, entry.size))


def test_an_entry_is_found_by_the_next_run_only_after_it_was_committed(tmp_path: Path) -> None:
    with cache_in(tmp_path / "cache") as cache:
        add(cache, "kept", b"some content")
        unfinished = cache.create("unfinished")
        assert unfinished
        unfinished.write(b"half of it")
        assert content_of(cache, "unfinished") is None
    again = cache_in(tmp_path / "cache")
    assert again.keys == {"kept"}
    assert content_of(again, "kept") == b"some content"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["kept"]


def test_only_its_user_can_look_into_the_cache(tmp_path: Path) -> None:
    open_directory = tmp_path / "own"
    open_directory.mkdir(mode=0o755)
    for directory in (tmp_path / "a/b", open_directory):
        cache_in(directory)
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_directory_in_which_others_can_write_is_not_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert open_cache(tmp_path) is None


def test_parents_are_created_for_the_user_only_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        cache_in(tmp_path / "home/.cache/yarnhub/pack")
    finally:
        os.umask(before)
    for directory in ("home", "home/.cache", "home/.cache/yarnhub", "home/.cache/yarnhub/pack"):
        assert (tmp_path / directory).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("mode", "is_used"),
    [(0o755, True), (0o775, False), (0o757, False), (0o1777, True)],
)
def test_a_cache_whose_parent_others_can_write_to_needs_the_sticky_bit(
    mode: int, is_used: bool, tmp_path: Path
) -> None:
    directory = tmp_path / "shared/above/pack"
    cache_in(directory)
    (tmp_path / "shared").chmod(mode)
    (tmp_path / "link").symlink_to(tmp_path / "shared")
    for path in (directory, tmp_path / "link/above/pack"):
        assert (open_cache(path) is not None) == is_used


def test_a_directory_of_another_user_or_a_link_to_one_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert open_cache(tmp_path / "link") is None
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert open_cache(tmp_path) is None


def test_without_a_directory_for_it_there_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert open_cache(tmp_path / "file") is None
    assert open_cache(tmp_path / "file/below") is None


def test_the_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/big/disk")
    assert default_directory() == Path("/big/disk/yarnhub/pack")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/alice")
    assert default_directory() == Path("/home/alice/.cache/yarnhub/pack")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.truncate(path, 0),
        lambda path: os.truncate(path, 3),
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\0"),
        lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]),
        lambda path: path.write_bytes(path.read_bytes() + b"x"),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_entry_is_deleted(damage: Callable[[Path], object], tmp_path: Path) -> None:
    add(cache_in(tmp_path), "key", b"some content")
    damage(tmp_path / "key")
    assert content_of(cache_in(tmp_path), "key") is None
    assert not list(tmp_path.iterdir())


def test_an_open_entry_can_be_read_after_it_was_deleted(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    add(cache, "key", b"some content")
    entry = cache.open("key")
    assert entry
    with entry:
        (tmp_path / "key").unlink()
        assert b"".join(entry.chunks(5, 8)) == b"con"


def test_the_entries_that_were_not_used_for_the_longest_time_are_deleted_first(
    tmp_path: Path,
) -> None:
    now = time.time()
    cache = cache_in(tmp_path)
    for age in range(10):
        add(cache, f"{age}", bytes(996))
        os.utime(tmp_path / f"{age}", (now - 100 * age - 100,) * 2)
    content_of(cache, "9")
    add(PackCache(tmp_path, time.time_ns(), max_bytes=8000), "new", bytes(9))
    assert cache_in(tmp_path).keys == {"0", "1", "2", "3", "4", "5", "9", "new"}


def test_a_run_keeps_its_own_entries_and_adds_no_more_than_the_limit(tmp_path: Path) -> None:
    cache = PackCache(tmp_path, time.time_ns(), max_bytes=5000)
    for number in range(5):
        add(cache, f"{number}", bytes(996))
    entry = cache.create("too much")
    assert entry
    entry.write(b"x")
    entry.commit()
    assert cache.create("later") is None
    assert cache_in(tmp_path).keys == {"0", "1", "2", "3", "4"}


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let each write beyond this size fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 1 << 20])
def test_on_a_full_disk_the_cache_is_emptied(size: int, tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    add(cache, "old", b"x")
    with files_limited_to(50):
        entry = cache.create("new")
        assert entry
        entry.write(bytes(size))
        entry.commit()
    assert cache.create("more") is None
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_what_another_process_is_writing(tmp_path: Path) -> None:
    other, cache = cache_in(tmp_path), cache_in(tmp_path)
    unfinished = other.create("unfinished")
    assert unfinished
    unfinished.write(b"half of it")
    cache.give_up()
    unfinished.commit()
    assert content_of(other, "unfinished") == b"half of it"


def test_making_space_leaves_what_another_process_is_writing(tmp_path: Path) -> None:
    other = cache_in(tmp_path)
    unfinished = other.create("unfinished")
    assert unfinished
    unfinished.write(bytes(3000))
    add(cache_in(tmp_path), "old", bytes(3000))
    add(PackCache(tmp_path, time.time_ns(), max_bytes=5000), "new", bytes(1000))
    unfinished.commit()
    assert cache_in(tmp_path).keys == {"unfinished", "new"}


def test_what_an_interrupted_process_left_is_deleted_after_a_day(tmp_path: Path) -> None:
    left = tmp_path / ".key.0123"
    left.touch()
    yesterday = time.time() - 25 * 3600
    os.utime(left, (yesterday, yesterday))
    cache_in(tmp_path).give_up()
    assert not list(tmp_path.iterdir())


def test_an_entry_whose_temporary_file_is_gone_is_only_discarded(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    add(cache, "kept", b"some content")
    entry = cache.create("gone")
    assert entry
    entry.temporary.unlink()
    entry.commit()
    assert cache_in(tmp_path).keys == {"kept"}
    assert cache.create("more") is not None
