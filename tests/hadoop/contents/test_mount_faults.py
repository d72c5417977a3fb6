"""The mounted folder while HDFS does not answer: calls end with an errno, and nothing is torn."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.mounts import Mount
from yarnhub.minihadoop import MiniHadoop

pytestmark = pytest.mark.heavy  # waits for deadlines of 20 seconds

#: Seconds in which a call ends on a busy machine; the deadline of one call of HDFS is 20 seconds.
DEADLINE = 120


def failures(*calls: Callable[[], object]) -> list[int | None]:
    """Return the errno with which each call fails; all run at the same time."""
    with ThreadPoolExecutor(len(calls)) as threads:
        raised = [threads.submit(call).exception(DEADLINE) for call in calls]
    assert all(isinstance(error, OSError) for error in raised), raised
    return [error.errno for error in raised if isinstance(error, OSError)]


def test_each_call_ends_while_the_namenode_hangs(
    hadoop: MiniHadoop, folder: Path, mount: Mount, wait_until: Callable[..., object]
) -> None:
    (folder / "a").write_text("old")
    (folder / "b").write_text("b")
    file = (folder / "a").open("w")
    file.write("new")
    hadoop.namenode.suspend()
    try:
        reader = subprocess.Popen(mount.command(folder, "cat", "b"), stderr=subprocess.DEVNULL)
        reader.kill()  # in a call or before it: neither can be hung for ever
        reader.wait(DEADLINE)
        codes = failures(
            file.close,
            lambda: list(folder.iterdir()),
            (folder / "b").read_text,
            (folder / "c").touch,
            (folder / "d").mkdir,
            (folder / "b").unlink,
        )
    finally:
        hadoop.namenode.resume()
    assert set(codes) <= {errno.ETIMEDOUT, errno.EIO}
    wait_until(lambda: can_list(folder), 60, "HDFS answers again")
    # A call that had timed out may have been carried out.
    assert (folder / "a").read_text() in ("old", "new")
    (folder / "a").write_text("newer")
    assert (folder / "a").read_text() == "newer"


def can_list(folder: Path) -> bool:
    try:
        list(folder.iterdir())
    except OSError:
        return False
    return True
