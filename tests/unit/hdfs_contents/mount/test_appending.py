"""Large files are appended to in HDFS, and written anew if that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from tests.mounts import Mount


def test_a_large_file_is_appended_to_and_not_written_anew(folder: Path, stored: Path) -> None:
    (stored / "log").write_bytes(b"x" * 5_000_000)
    inode = (stored / "log").stat().st_ino
    with (folder / "log").open("ab") as file:
        file.write(b"line\n")
    assert (stored / "log").read_bytes() == b"x" * 5_000_000 + b"line\n"
    assert (stored / "log").stat().st_ino == inode


def test_a_large_file_that_cannot_be_appended_to_is_written_anew_with_its_content(
    folder: Path, stored: Path
) -> None:
    (stored / "no-append").write_bytes(b"x" * 5_000_000)
    with (folder / "no-append").open("ab") as file:
        file.write(b"line\n")
    assert (stored / "no-append").read_bytes() == b"x" * 5_000_000 + b"line\n"


def test_no_zeros_take_the_place_of_content_that_hdfs_does_not_return(
    folder: Path, stored: Path
) -> None:
    (stored / "seems-empty").write_bytes(b"x" * 5_000_000)
    with (folder / "seems-empty").open("r+b") as file:
        file.write(b"line\n")
        with pytest.raises(OSError, match="Input/output error"):
            file.close()
    assert (stored / "seems-empty").read_bytes() == b"x" * 5_000_000


def test_a_large_file_is_shown_as_a_whole_if_it_could_not_be_appended_to(
    folder: Path, stored: Path
) -> None:
    (stored / "full").write_bytes(b"x" * 5_000_000)
    file = (folder / "full").open("ab")
    file.write(b"line\n")
    with pytest.raises(OSError, match="quota"):
        file.close()
    assert (folder / "full").read_bytes().startswith(b"x" * 5_000_000)


@pytest.mark.parametrize("other", [b"", b"of another client"])
def test_an_append_in_which_the_daemon_was_killed_is_gone_on_with(
    other: bytes,
    folder: Path,
    stored: Path,
    mount: Mount,
    wait_until: Callable[..., object],
) -> None:
    (stored / "unclosed").write_bytes(b"x" * 5_000_000)
    file = (folder / "unclosed").open("ab", buffering=0)
    file.write(b"line\n")
    with ThreadPoolExecutor(1) as thread:
        closing = thread.submit(os.fsync, file.fileno())
        wait_until((stored / "unclosed.open").exists, 30, "the append")
        mount.kill()
        if other:
            (stored / "unclosed").write_bytes(other)
        mount.start()
        with pytest.raises(OSError, match="Stale") if other else nullcontext():
            closing.result(60)
    with suppress(OSError):
        file.close()
    assert (stored / "unclosed").read_bytes() == (other or b"x" * 5_000_000 + b"line\n")
