"""A cache makes packing again faster, and changes no byte of the archive."""

from __future__ import annotations

import gzip
import io
import os
import py_compile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from env_packaging import build
from env_packaging.build.archive import Written, write_archive
from env_packaging.build.cache import PackCache, open_cache
from env_packaging.build.inspection import FileStamp, Inspected
from env_packaging.build.members import Listing, Member, member_for
from env_packaging.build.plan import Plan, make_plan
from env_packaging.build.prefix import open_prefix
from env_packaging.build.progress import NoProgress
from env_packaging.build.relocate import PrefixPaths
from env_packaging.build.scan import PrefixScan, scan_prefix
from env_packaging.build.segments import TARGET_BYTES, Segment, cut
from env_packaging.errors import PrefixError
from tests.unit.env_packaging.prefixes import LIBRARY, install, write
from tests.unit.env_packaging.test_archive import plan_of_files, this_prefix

SECOND_NS = 1_000_000_000
MODULES = f"{LIBRARY}/site-packages"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files of an environment: modules, and data of several segments."""
    for name in ("demo", "package/__init__", "package/module"):
        write(tmp_path / "files" / MODULES / f"{name}.py", "value = 42\n")
    for number in range(4):
        write(tmp_path / f"files/share/{number}", f"{number} data " * TARGET_BYTES)
    return tmp_path / "files"


def later_cache(directory: Path) -> PackCache:
    """Open a cache some time after the last change of a file."""
    cache = open_cache(directory, time.time_ns() + 10 * SECOND_NS)
    assert cache
    return cache


def plan_of(files: Path, cache: PackCache | None = None) -> Plan:
    """Plan the files as those of the environment of the tests."""
    names = sorted(
        str(path.relative_to(files))
        for path in files.rglob("*")
        if not path.is_dir() and "__pycache__" not in path.parts
    )
    members = [member_for(name, files / name, [str(files)]) for name in names]
    return make_plan(PrefixScan(this_prefix(), Listing(), members), NoProgress(), cache)


def packed(plan: Plan, cache: PackCache | None = None) -> tuple[bytes, Written]:
    sink = io.BytesIO()
    written = write_archive(plan, sink, NoProgress(), cache)
    return sink.getvalue(), written


def packed_files(files: Path, cache: PackCache | None = None) -> tuple[bytes, Written]:
    return packed(plan_of(files, cache), cache)


class Reads:
    """The names of files that were read, for the plan and for the archive."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.planned: list[str] = []
        self.packed: list[str] = []
        inspect, read = build.plan.inspect, build.archive._read

        def inspect_file(member: Member, paths: PrefixPaths) -> Inspected:
            self.planned.append(member.name)
            return inspect(member, paths)

        def read_file(file: Inspected, paths: PrefixPaths) -> Iterator[bytes]:
            self.packed.append(file.member.name)
            return read(file, paths)

        monkeypatch.setattr(build.plan, "inspect", inspect_file)
        monkeypatch.setattr(build.archive, "_read", read_file)


def test_the_cache_changes_no_byte_of_an_archive(python_prefix: Path, tmp_path: Path) -> None:
    install(python_prefix, "demo")
    scan = scan_prefix(open_prefix(python_prefix))
    without = packed(make_plan(scan, NoProgress()))
    for _ in range(2):
        cache = later_cache(tmp_path / "cache")
        assert packed(make_plan(scan, NoProgress(), cache), cache) == without


def test_after_a_change_of_one_file_only_its_segment_is_read(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed_files(files, later_cache(tmp_path / "cache"))
    write(files / "share/2", "changed")
    reads = Reads(monkeypatch)
    packed_files(files, later_cache(tmp_path / "cache"))
    assert reads.planned == ["share/2"]
    assert "share/2" in reads.packed
    assert set(reads.packed) <= {"share/1", "share/2", "share/3"}


def test_without_a_change_no_file_is_read(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed_files(files, later_cache(tmp_path / "cache"))
    reads = Reads(monkeypatch)
    packed_files(files, later_cache(tmp_path / "cache"))
    assert not reads.planned
    assert not reads.packed


def test_a_file_that_has_just_changed_is_read_again(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = max((path.stat().st_ctime_ns for path in files.rglob("*.py")), default=0)
    reads = Reads(monkeypatch)
    for _ in range(2):
        reads.planned.clear()
        packed_files(files, open_cache(tmp_path / "cache", recent + SECOND_NS))
    assert set(reads.planned) >= {f"{MODULES}/demo.py", f"{MODULES}/package/module.py"}


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda file: file.write_text("value = 43\n"),
    "content, with its times set back": lambda file: (
        before := file.stat(),
        file.write_text("value = 99\n"),
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns)),
    ),
    "replaced by a file of the same size and time": lambda file: (
        new := write(file.with_name("new"), "value = 99\n"),
        os.utime(new, ns=(file.stat().st_mtime_ns,) * 2),
        new.replace(file),
    ),
    "mode": lambda file: file.chmod(0o755),
    "name": lambda file: file.rename(file.with_name("other.py")),
    "a new file": lambda file: write(file.with_name("a.py"), "a = 1\n"),
    "a link": lambda file: file.with_name("linked.py").symlink_to(file.name),
    "no valid Python": lambda file: file.write_text("value = (\n"),
    "deleted": lambda file: file.unlink(),
    "touched": lambda file: os.utime(file, (1, 1)),
    "bytecode in the prefix": lambda file: py_compile.compile(str(file), doraise=True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_any_change_the_archive_is_the_same_as_without_the_cache(
    change: str, files: Path, tmp_path: Path
) -> None:
    before = packed_files(files, later_cache(tmp_path / "cache"))
    CHANGES[change](files / MODULES / "package/module.py")
    after = packed_files(files, later_cache(tmp_path / "cache"))
    assert after == packed_files(files)
    assert (after == before) == (change == "touched")


@pytest.mark.parametrize("damage", [0, 10, -1])
def test_a_damaged_segment_is_made_again(damage: int, files: Path, tmp_path: Path) -> None:
    without = packed_files(files)
    packed_files(files, later_cache(tmp_path / "cache"))
    for entry in (tmp_path / "cache").iterdir():
        os.truncate(entry, damage if damage >= 0 else entry.stat().st_size - 1)
    assert packed_files(files, later_cache(tmp_path / "cache")) == without
    assert packed_files(files, later_cache(tmp_path / "cache")) == without


def test_a_python_file_that_changes_after_it_was_read_ends_the_packing(
    files: Path, tmp_path: Path
) -> None:
    packed_files(files, later_cache(tmp_path / "cache"))
    cache = later_cache(tmp_path / "cache")
    plan = plan_of(files, cache)
    (files / MODULES / "demo.py").write_text("value = 4242\n")
    with pytest.raises(PrefixError, match=r"demo\.py changed while it was packed"):
        packed(plan, cache)


def test_a_failed_packing_leaves_no_unfinished_entry(files: Path, tmp_path: Path) -> None:
    class FailingSink:
        def write(self, data: bytes) -> int:
            raise OSError(28, "no space left")

    cache = later_cache(tmp_path / "cache")
    with pytest.raises(OSError, match="no space left"):
        write_archive(plan_of(files, cache), FailingSink(), NoProgress(), cache)
    assert not list((tmp_path / "cache").glob(".*"))


def test_an_archive_has_several_gzip_members_that_are_read_as_one(files: Path) -> None:
    content, written = packed_files(files)
    assert content.count(b"\x1f\x8b\x08\0\0\0\0\0") > 3
    assert len(gzip.decompress(content)) > written.unpacked_bytes


def file_of(name: str, size: int) -> Inspected:
    return Inspected(Member(name, Path(name)), size, FileStamp(0, 0, size, 0, 0), f"{size}")


ENTRIES = st.dictionaries(
    st.text("abc/", min_size=1, max_size=12), st.integers(0, TARGET_BYTES), max_size=60
)


def cuts(sizes: dict[str, int]) -> list[Segment]:
    return list(cut(file_of(name, size) for name, size in sorted(sizes.items())))


@given(ENTRIES, st.text("abc/", min_size=1), st.integers(0, TARGET_BYTES))
def test_a_new_member_changes_its_own_segment_only(
    sizes: dict[str, int], name: str, size: int
) -> None:
    before, after = cuts(sizes), cuts(sizes | {name: size})
    assert [entry for segment in after for entry in segment.entries] == [
        file_of(*item) for item in sorted((sizes | {name: size}).items())
    ]
    assert len([segment for segment in before if segment not in after]) <= 2
    assert len([segment for segment in after if segment not in before]) <= 2


CONTENTS = st.dictionaries(
    st.sampled_from(["a", "b/1", "b/2", "b-c/3", "c/d/e", "z"]),
    st.tuples(st.sampled_from([0, 1, 511, 512, 1 << 20, 3 << 20]), st.binary(min_size=1)),
    min_size=1,
)


@given(contents=st.lists(CONTENTS, min_size=2, max_size=4))
@settings(max_examples=30)
def test_any_sequence_of_contents_gives_the_same_archives_with_a_cache(
    contents: list[dict[str, tuple[int, bytes]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("any")
    for number, files in enumerate(contents):
        sources = {}
        for name, (size, data) in files.items():
            sources[name] = directory / f"{number}-{len(sources)}"
            sources[name].write_bytes((data * (size // len(data) + 1))[:size])
        plan = plan_of_files(dict(sorted(sources.items())))
        assert packed(plan, later_cache(directory / "cache")) == packed(plan)
