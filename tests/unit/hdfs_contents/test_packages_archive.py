"""The archive of the packages that a user installs."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdfs_contents.packages.archive import TooLargeError, changes, pack, site_packages, unpack
from hdfs_contents.session.archive import DamagedError
from tests.unit.hdfs_contents.kept_packages import (
    LIMIT,
    install,
)


@pytest.mark.parametrize("name", ["../outside", "/outside", "link/outside"])
def test_an_archive_writes_only_below_its_directory(name: str, tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "../elsewhere"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo(name))
    file.seek(0)
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "elsewhere").mkdir()
    with suppress(DamagedError):
        unpack(file, base, LIMIT)
    below = {path for path in tmp_path.rglob("*") if path.is_relative_to(base)}
    assert set(tmp_path.rglob("*")) - below == {tmp_path / "elsewhere"}
    assert not Path("/outside").exists()


def test_an_archive_that_unpacks_to_more_than_the_limit_is_damaged(tmp_path: Path) -> None:
    base = tmp_path / "a"
    site_packages(base).mkdir(parents=True)
    install(base, "large", LIMIT)
    file = io.BytesIO()
    pack(base, 2 * LIMIT, file)
    file.seek(0)
    with pytest.raises(DamagedError, match="more than 1,000,000 bytes"):
        unpack(file, tmp_path / "b", LIMIT)


@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_damaged_archive_leaves_nothing_of_itself(part: float, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for base, names in ((first, ("one", "two")), (second, ("mine",))):
        site_packages(base).mkdir(parents=True)
        for name in names:
            install(base, name)
            (site_packages(base) / f"{name}.so").write_bytes(os.urandom(100_000))
    before = sorted(second.rglob("*"))
    file = io.BytesIO()
    pack(first, LIMIT, file)
    file.truncate(int(part * file.tell()))
    file.seek(0)
    with pytest.raises(DamagedError):
        unpack(file, second, LIMIT)
    assert sorted(second.rglob("*")) == before


def test_a_file_where_the_archive_has_a_directory_is_not_deleted(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    (first / "lib" / "name").mkdir(parents=True)
    (second / "lib").mkdir(parents=True)
    (second / "lib" / "name").write_text("new")
    file = io.BytesIO()
    pack(first, LIMIT, file)
    file.seek(0)
    with suppress(OSError):  # not in each version of tarfile
        unpack(file, second, LIMIT)
    assert (second / "lib" / "name").read_text() == "new"


@pytest.mark.parametrize("size", [LIMIT, LIMIT - 25, LIMIT - 4096])
def test_packages_that_are_saved_within_the_limit_are_restored_within_it(
    size: int, tmp_path: Path
) -> None:
    """The archive of files that cannot be compressed is larger, and so are some commands in it."""
    first, second = tmp_path / "a", tmp_path / "b"
    (first / "bin").mkdir(parents=True)
    (first / "bin" / "command").write_text("#!/usr/bin/python3\n")
    (first / "data").write_bytes(os.urandom(size - 19))
    file = io.BytesIO()
    try:
        pack(first, LIMIT, file)
    except TooLargeError:
        assert size > LIMIT - 4096
        return
    assert file.tell() <= LIMIT
    file.seek(0)
    unpack(file, second, LIMIT)
    assert (second / "data").exists()


@pytest.mark.parametrize("metadata", ["demo-1.0.dist-info", "demo-1.0.egg-info"])
def test_each_change_by_pip_is_seen(metadata: str, tmp_path: Path) -> None:
    """pip writes RECORD last, after it has compiled the modules."""
    information = site_packages(tmp_path) / metadata
    steps = [
        lambda: (tmp_path / "bin").mkdir(),
        lambda: information.mkdir(parents=True),
        (information / "RECORD").touch,
    ]
    for step in steps:
        for path in tmp_path.rglob("*"):
            os.utime(path, (0, 0))  # the step changes the time on a coarse clock too
        before = changes(tmp_path)
        step()
        assert changes(tmp_path) != before


def test_a_directory_that_is_removed_meanwhile_is_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    before = changes(tmp_path)
    monkeypatch.setattr(Path, "glob", lambda base, pattern: [base / "removed"])
    assert changes(tmp_path) != before


LONG = b"#!/bin/sh\n'''exec' \"/grid/a b/python3.11\" \"$0\" \"$@\"\n' '''\nimport demo\n"


@pytest.mark.parametrize("content", [b"#!/grid/environment/bin/python3\nimport demo\n", LONG])
def test_a_command_finds_its_interpreter_in_the_next_container(
    content: bytes, tmp_path: Path
) -> None:
    command = tmp_path / "a" / "bin" / "demo"
    command.parent.mkdir(parents=True)
    command.write_bytes(content)
    command.chmod(0o755)
    file = io.BytesIO()
    pack(tmp_path / "a", LIMIT, file)
    file.seek(0)
    unpack(file, tmp_path / "b", LIMIT)
    line = f"#!/usr/bin/env python{sys.version_info[0]}.{sys.version_info[1]}"
    written = tmp_path / "b" / "bin" / "demo"
    assert written.read_text() == f"{line}\nimport demo\n"
    assert written.stat().st_mode & 0o777 == 0o755


@given(
    st.dictionaries(
        st.text("abé -_.", min_size=1, max_size=8).filter(lambda name: name.strip(".")),
        st.binary(max_size=100),
    )
)
def test_files_come_back_as_they_were(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        first, second = Path(directory, "first"), Path(directory, "second")
        (first / "lib").mkdir(parents=True)
        for name, content in files.items():
            (first / "lib" / name).write_bytes(content)
            (first / f"hard {name}").hardlink_to(first / "lib" / name)
            (first / f"soft {name}").symlink_to(f"lib/{name}")
        file = io.BytesIO()
        pack(first, LIMIT, file)
        file.seek(0)
        unpack(file, second, LIMIT)
        for name, content in files.items():
            copy = second / "lib" / name
            assert copy.read_bytes() == (second / f"hard {name}").read_bytes() == content
            assert (second / f"soft {name}").readlink() == Path("lib", name)
            assert int(copy.stat().st_mtime) == int((first / "lib" / name).stat().st_mtime)
