"""Programs see what other clients of HDFS change, whole and not mixed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


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
