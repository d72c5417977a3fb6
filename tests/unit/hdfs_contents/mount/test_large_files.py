"""Files that are sent while they are written, because the staging directory cannot hold them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.mounts import names


def test_more_changes_than_the_staging_directory_may_hold_are_an_error(folder: Path) -> None:
    (folder / "a").touch()
    with (folder / "a").open("r+b", buffering=0) as file:
        file.seek(1024)
        for _ in range(24):
            file.write(b"x" * 1024 * 1024)
        with pytest.raises(OSError) as raised:  # noqa: PT011
            file.write(b"x")
        assert raised.value.errno == errno.ENOSPC
        os.ftruncate(file.fileno(), 0)
    (folder / "a").write_text("there is room again")


def test_a_file_that_is_larger_than_the_staging_directory_is_written_in_order(
    folder: Path, stored: Path
) -> None:
    block = os.urandom(1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        for _ in range(60):
            file.write(block)
        assert (stored / "a").stat().st_size == 0
    assert (stored / "a").read_bytes() == block * 60
    assert names(stored) == ["a"]


def test_a_large_file_whose_beginning_is_written_last_is_stored(folder: Path, stored: Path) -> None:
    block = os.urandom(1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        for _ in range(21):
            file.write(block)
        file.seek(0)
        file.write(b"header")
        file.seek(0, os.SEEK_END)
        file.write(b"end")
    assert (stored / "a").read_bytes() == b"header" + (block * 21)[6:] + b"end"
    assert names(stored) == ["a"]


@pytest.mark.parametrize("step", ["write", "close"])
def test_a_large_file_is_sent_again_if_a_datanode_dies(
    step: str, folder: Path, stored: Path
) -> None:
    data = os.urandom(20 * 1024 * 1024)
    (folder / f"breaks-{step}").mkdir()
    with (folder / f"breaks-{step}" / "a").open("wb", buffering=1024 * 1024) as file:
        file.write(data)
    assert (stored / f"breaks-{step}" / "a").read_bytes() == data
    assert names(stored / f"breaks-{step}") == ["a"]


def test_a_directory_is_moved_while_a_large_file_is_written_in_it(
    folder: Path, stored: Path
) -> None:
    block = os.urandom(1024 * 1024)
    (folder / "d").mkdir()
    with (folder / "d" / "a").open("wb", buffering=0) as file:
        for number in range(60):
            file.write(block)
            if number == 40:
                (folder / "d").rename(folder / "moved")
    assert (stored / "moved" / "a").read_bytes() == block * 60
    assert names(stored / "moved") == ["a"]


def test_a_gap_in_a_file_that_is_larger_than_the_staging_directory_is_zeros(
    folder: Path, stored: Path
) -> None:
    block = os.urandom(1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        for _ in range(40):
            file.write(block)
        file.seek(len(block), os.SEEK_CUR)
        file.write(b"end")
        file.truncate(42 * len(block))
    assert (stored / "a").read_bytes() == (block * 40 + bytes(len(block)) + b"end").ljust(
        42 * len(block), b"\0"
    )


@pytest.mark.parametrize("size", [0, 5, 22 * 1024 * 1024])
def test_a_large_file_that_is_cut_while_it_is_written_is_stored(
    folder: Path, stored: Path, size: int
) -> None:
    data = os.urandom(20 * 1024 * 1024)
    with (folder / "a").open("wb", buffering=0) as file:
        file.write(data)
        file.truncate(size)
        file.seek(size)
        file.write(b"end")
    assert (stored / "a").read_bytes() == data[:size].ljust(size, b"\0") + b"end"
    assert names(stored) == ["a"]
