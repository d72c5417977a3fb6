"""Programs see what other clients of HDFS change, whole and not mixed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


def replace(stored: Path, content: bytes) -> None:
    """Replace a file in HDFS as other clients do."""
    new = stored.with_name("new")
    new.write_bytes(content)
    new.replace(stored)


def test_a_file_that_is_made_again_does_not_get_what_is_written_to_the_deleted_one(
    folder: Path, stored: Path, wait_until: Callable[..., object]
) -> None:
    with (folder / "a").open("w") as deleted:
        deleted.write("of the first program")
        deleted.flush()
        (stored / "a").unlink()
        wait_until(lambda: not (folder / "a").exists(), 30, "the name to be gone")
        with (folder / "a").open("w") as made:
            made.write("second")
            made.flush()
            deleted.write(", which goes on")
            deleted.flush()
            assert os.fstat(deleted.fileno()).st_nlink == 0
    assert (stored / "a").read_text() == "second"


def test_a_file_that_was_emptied_gets_nothing_of_what_another_client_saves(
    folder: Path, stored: Path, wait_until: Callable[..., object]
) -> None:
    (stored / "a").touch()
    with (folder / "a").open("w") as file:
        (stored / "a").write_bytes(b"of another client")
        wait_until(lambda: (folder / "a").stat().st_size, 30, "the other content")
        file.write("new")
    assert (stored / "a").read_text() == "new"


@pytest.mark.parametrize("content", [b"new", b"new and longer"])
@pytest.mark.parametrize("mode", ["rb", "r+b"])
def test_a_file_is_read_with_the_size_that_it_has_when_it_is_opened(
    mode: str, content: bytes, folder: Path, stored: Path
) -> None:
    (stored / "a").write_bytes(b"of before")
    with (folder / "a").open(mode):
        assert (folder / "a").stat().st_size == 9
        replace(stored / "a", content)
        with (folder / "a").open(mode) as file:
            assert file.read() == content


def test_a_listing_that_goes_on_does_not_bring_back_former_sizes(
    folder: Path, stored: Path
) -> None:
    for number in range(3000):
        (stored / f"{number:04}").touch()
    with os.scandir(folder) as entries:
        next(entries).stat()
        (folder / "2999").write_bytes(b"x" * 100)
        assert all(entry.stat() is not None for entry in entries)
        assert (folder / "2999").read_bytes() == b"x" * 100


def test_what_another_client_appends_is_read_by_those_that_have_the_file_open(
    folder: Path, stored: Path, wait_until: Callable[..., object]
) -> None:
    (stored / "log").write_bytes(b"one")
    with (folder / "log").open("rb", buffering=0) as file:
        assert file.read() == b"one"
        with (stored / "log").open("ab") as log:
            log.write(b", two")
        wait_until(lambda: os.fstat(file.fileno()).st_size == 8, 30, "the new size")
        assert file.read() == b", two"


def test_a_file_that_was_replaced_is_not_read_with_content_of_before(
    folder: Path, stored: Path, wait_until: Callable[..., object]
) -> None:
    (stored / "a").write_bytes(b"old" * 1_000_000)
    with (folder / "a").open("rb", buffering=0) as former:
        former.read(1)
        replace(stored / "a", b"new" * 1_000_001)
        wait_until(lambda: os.fstat(former.fileno()).st_size == 3_000_003, 30, "the new size")
        with (folder / "a").open("rb", buffering=0) as file:
            file.read(1)
            former.seek(1_000_000)
            with pytest.raises(OSError, match="Stale file handle"):
                former.read(1_500_000)
            assert file.read() == (b"new" * 1_000_001)[1:]
