from __future__ import annotations

import functools
import gc
import gzip
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env_packaging.build.archive import write_archive
from env_packaging.build.inspection import LARGE_BYTES, inspect
from env_packaging.build.members import Listing, Member
from env_packaging.build.plan import Plan
from env_packaging.build.prefix import Prefix, open_prefix
from env_packaging.build.progress import NoProgress
from env_packaging.build.relocate import PrefixPaths
from env_packaging.build.tar import FIXED_TIME, header
from env_packaging.errors import PrefixError
from tests.unit.env_packaging.prefixes import install, write

PlanOf = Callable[[Path], Plan]


def archive_of(plan: Plan) -> bytes:
    sink = io.BytesIO()
    write_archive(plan, sink, NoProgress())
    return sink.getvalue()


def members_of(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as tar:
        return {member.name: member for member in tar.getmembers()}


@functools.cache
def this_prefix() -> Prefix:
    return open_prefix(Path(sys.prefix))


def plan_of_files(files: dict[str, Path]) -> Plan:
    """Return a plan of files under any names, without bytecode."""
    prefix = this_prefix()
    prefix_paths = PrefixPaths(["/nowhere"], prefix.interpreter.program)
    inspected = tuple(inspect(Member(name, source), prefix_paths) for name, source in files.items())
    return Plan(prefix, prefix_paths, Listing(), inspected, (), (), "")


def test_the_same_environment_gives_the_same_bytes_and_key(python_prefix: Path, plan_of: PlanOf):
    first, second = plan_of(python_prefix), plan_of(python_prefix)
    assert first.key == second.key
    assert archive_of(first) == archive_of(second)


def test_the_same_environment_at_another_path_gives_the_same_bytes_and_key(
    shared_python: Path, tmp_path: Path, plan_of: PlanOf
):
    plans = []
    for name in ("here", "elsewhere"):
        prefix = Path(shutil.copytree(shared_python, tmp_path / name, symlinks=True))
        install(prefix, "demo")
        for module in prefix.rglob("*.py"):
            os.utime(module, (len(name), len(name)))
        plans.append(plan_of(prefix))
    assert plans[0].key == plans[1].key
    assert archive_of(plans[0]) == archive_of(plans[1])


def test_any_change_of_content_name_mode_or_link_gives_another_key(
    python_prefix: Path, plan_of: PlanOf
):
    package = install(python_prefix, "demo").parent / "demo.py"
    (python_prefix / "bin/demo-link").symlink_to("demo")
    keys = [plan_of(python_prefix).key]
    package.write_text("value = 43\n")
    keys.append(plan_of(python_prefix).key)
    package.chmod(0o755)
    keys.append(plan_of(python_prefix).key)
    package.rename(package.with_name("demo2.py"))
    keys.append(plan_of(python_prefix).key)
    (python_prefix / "bin/demo-link").unlink()
    (python_prefix / "bin/demo-link").symlink_to("python3")
    keys.append(plan_of(python_prefix).key)
    assert len(set(keys)) == 5


def test_times_owners_and_bytecode_of_the_prefix_do_not_change_the_key(
    python_prefix: Path, plan_of: PlanOf
):
    demo = install(python_prefix, "demo").parent / "demo.py"
    key = plan_of(python_prefix).key
    os.utime(demo, (1, 1))
    demo.chmod(0o600)
    subprocess.run([python_prefix / "bin/python3", "-m", "compileall", "-q", demo], check=True)
    assert plan_of(python_prefix).key == key


def test_members_are_sorted_with_fixed_times_owners_and_modes(venv: Path, plan_of: PlanOf):
    members = members_of(archive_of(plan_of(venv)))
    plain = [name for name, member in members.items() if not member.isdir()]
    assert plain == sorted(plain)
    for member in members.values():
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert member.mtime == FIXED_TIME
        assert member.isreg() or member.isdir() or member.issym()
        assert member.mode & ~0o755 == 0
        assert not member.isdir() or member.mode == 0o755


def test_written_files_and_bytes_are_counted(venv: Path, plan_of: PlanOf):
    sink = io.BytesIO()
    written = write_archive(plan_of(venv), sink, NoProgress())
    members = [member for member in members_of(sink.getvalue()).values() if not member.isdir()]
    assert written.archive_bytes == len(sink.getvalue())
    assert written.files == len(members)
    assert written.unpacked_bytes == sum(member.size for member in members)


NAMES = st.lists(
    st.text(
        st.characters(codec="utf-8", exclude_characters="/\0")
        | st.sampled_from(["\udcff", "\n", "\\", '"', "é", "-"]),
        min_size=1,
        max_size=60,
    ).filter(lambda part: part not in (".", "..")),
    min_size=1,
    max_size=4,
).map("/".join)


@given(names=st.sets(NAMES, min_size=1, max_size=5), content=st.binary(max_size=2000))
def test_members_of_any_name_and_content_are_unpacked_unchanged(
    names: set[str], content: bytes, tmp_path_factory: pytest.TempPathFactory
):
    source = tmp_path_factory.mktemp("any") / "source"
    source.write_bytes(content)
    plan = plan_of_files(dict.fromkeys(sorted(names), source))
    with tarfile.open(fileobj=io.BytesIO(archive_of(plan)), encoding="utf-8") as tar:
        found = {member.name: member for member in tar.getmembers() if not member.isdir()}
        assert set(found) == names
        for member in found.values():
            file = tar.extractfile(member)
            assert file is not None
            assert file.read() == content


def test_odd_names_are_unpacked_by_tar_in_any_locale(tmp_path: Path):
    source = write(tmp_path / "source", "content")
    names = ["é" * 100, "n\newline/" + "x" * 200, "sur\udcffrogate", "-rf", " ", "back\\slash"]
    archive = tmp_path / "a.tar.gz"
    plan = plan_of_files(dict.fromkeys(sorted(names), source))
    archive.write_bytes(archive_of(plan))
    target = tmp_path / "out"
    target.mkdir()
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    subprocess.run(["tar", "-xzf", archive, "-C", target], check=True, env=environment)
    found = [path for path in target.rglob("*") if path.is_file()]
    assert {os.fsdecode(path.relative_to(target)) for path in found} == set(names)


def test_without_isal_the_same_members_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("a", "b/c", "b/d")
    plan = plan_of_files({name: write(tmp_path / name, name * 1000) for name in names})
    with_isal = archive_of(plan)
    monkeypatch.setitem(sys.modules, "isal", None)
    without = archive_of(plan)
    assert without != with_isal
    assert without == archive_of(plan)
    assert gzip.decompress(without) == gzip.decompress(with_isal)


def test_a_large_file_is_packed_in_chunks_and_unchanged(tmp_path: Path):
    source = tmp_path / "large"
    source.write_bytes(b"/nowhere\n")
    os.truncate(source, LARGE_BYTES + 1)
    plan = plan_of_files({"large": source})
    data = archive_of(plan)
    assert members_of(data)["large"].size == LARGE_BYTES + 1
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        file = tar.extractfile("large")
        assert file is not None
        assert file.read(9) == b"/nowhere\n"


def replace_like_an_installer(path: Path, text: str) -> None:
    """Replace a file by another of the same size and time, as packages of conda have them."""
    new = write(path.with_name("new"), text)
    shutil.copystat(path, new)
    new.replace(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("longer than before"),
        lambda path: os.utime(path, (1, 1)),
        lambda path: path.unlink(),
        lambda path: os.truncate(path, 0),
        lambda path: replace_like_an_installer(path, "another"),
    ],
)
def test_a_file_that_changes_after_it_was_read_ends_the_packing(
    change: Callable[[Path], object], tmp_path: Path
):
    source = write(tmp_path / "changing", "content")
    plan = plan_of_files({"changing": source})
    change(source)
    with pytest.raises(PrefixError, match=r"changing changed while it was packed\. Pack again"):
        archive_of(plan)


def test_a_file_that_grows_while_it_is_read_ends_the_packing(tmp_path: Path):
    source = write(tmp_path / "growing", "content")
    plan = plan_of_files({"growing": source})
    (file,) = plan.files
    plan = replace(plan, files=(replace(file, size=file.size - 1),))
    with pytest.raises(PrefixError, match="changed while it was packed"):
        archive_of(plan)


class WritingToTheSource:
    """A sink that changes the end of a file in place when it gets the first data."""

    def __init__(self, source: Path) -> None:
        self.source = source

    def write(self, data: bytes) -> int:
        with self.source.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        return len(data)


def test_a_file_that_is_written_in_place_while_it_is_read_ends_the_packing(tmp_path: Path):
    source = tmp_path / "written"
    # More than the compressing threads hold: it is not read to its end when the first data comes.
    source.write_bytes(os.urandom(64 << 20))
    os.utime(source, ns=(0, 0))
    plan = plan_of_files({"written": source})
    with pytest.raises(PrefixError, match="changed while it was packed"):
        write_archive(plan, WritingToTheSource(source), NoProgress())


class FullDisk:
    """A sink that fails after so many bytes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.asked_when_full = 0

    def write(self, data: bytes) -> int:
        self.asked_when_full += self.capacity < 0
        self.capacity -= len(data)
        if self.capacity < 0:
            raise OSError(28, "no space left")
        return len(data)


@pytest.mark.parametrize("capacity", [0, 2 << 20])
def test_a_failing_sink_ends_the_packing_and_its_threads(
    capacity: int, venv: Path, plan_of: PlanOf
):
    plan = plan_of(venv)
    sink = FullDisk(capacity)
    before = set(threading.enumerate())
    with pytest.raises(OSError, match="no space left"):
        write_archive(plan, sink, NoProgress())
    gc.collect()
    assert set(threading.enumerate()) <= before
    assert sink.asked_when_full == 0


def test_an_interrupt_ends_all_threads(venv: Path, plan_of: PlanOf):
    class Interrupting(NoProgress):
        def advance(self, files: int, size_bytes: int) -> None:
            raise KeyboardInterrupt

    plan = plan_of(venv)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        write_archive(plan, io.BytesIO(), Interrupting())
    assert set(threading.enumerate()) <= before


def test_a_file_of_the_mode_4755_is_shipped_without_setuid(python_prefix: Path, plan_of: PlanOf):
    tool = write(python_prefix / "bin/tool", "#!/bin/sh\n", 0o4777)
    assert tool.stat().st_mode & stat.S_ISUID
    assert members_of(archive_of(plan_of(python_prefix)))["bin/tool"].mode == 0o755


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(
    NAMES,
    st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE]),
    st.sampled_from([0o644, 0o755]),
    st.integers(0, 1 << 40),
    st.one_of(st.just(""), NAMES),
)
def test_a_header_has_the_given_values(
    name: str, kind: bytes, mode: int, size: int, target: str
) -> None:
    data = header(name, kind, mode, size, target)
    wanted = tarfile.TarInfo(name)
    wanted.type, wanted.mode, wanted.size, wanted.linkname = kind, mode, size, target
    wanted.mtime = FIXED_TIME
    for block in (data[-512:], wanted.tobuf(tarfile.GNU_FORMAT)[-512:]):
        found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")  # checks the sum
        assert (found.type, found.mode, found.size) == (kind, mode, size)
        assert (found.mtime, found.uid, found.gid) == (FIXED_TIME, 0, 0)
    assert len(data) == len(wanted.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
