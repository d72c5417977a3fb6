"""The mounted folder while HDFS does not answer, or when the container is killed: calls end, and
nothing is torn."""

from __future__ import annotations

import errno
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hadoop.contents.conftest import start_mount
from tests.mounts import Mount
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.daemon import Daemon

pytestmark = pytest.mark.heavy  # waits for deadlines of 20 seconds

#: Seconds in which a call ends on a busy machine; the deadline of one call of HDFS is 20 seconds.
DEADLINE = 120


def failures(*calls: Callable[[], object]) -> list[int | None]:
    """Return the errno with which each call fails; all run at the same time."""
    ended: list[Future[object]] = [Future() for _ in calls]
    for future, call in zip(ended, calls, strict=True):
        # Not a pool, which waits for its threads: a call that hangs fails the test.
        threading.Thread(target=complete, args=(future, call), daemon=True).start()
    raised = [future.exception(DEADLINE) for future in ended]
    assert all(isinstance(error, OSError) for error in raised), raised
    return [error.errno for error in raised if isinstance(error, OSError)]


def complete(future: Future[object], call: Callable[[], object]) -> None:
    try:
        future.set_result(call())
    except OSError as error:
        future.set_exception(error)


@contextmanager
def away(namenode: Daemon, how: str) -> Iterator[None]:
    """The NameNode hangs, or is killed."""
    (namenode.suspend if how == "hangs" else namenode.kill)()
    try:
        yield
    finally:
        (namenode.resume if how == "hangs" else namenode.start)()


@pytest.mark.parametrize("how", ["hangs", "is killed"])
def test_each_call_ends_while_the_namenode_is_away(
    how: str, hadoop: MiniHadoop, folder: Path, mount: Mount, wait_until: Callable[..., object]
) -> None:
    (folder / "a").write_text("old")
    (folder / "b").write_text("b")
    file = (folder / "a").open("w")
    file.write("new")
    with away(hadoop.namenode, how):
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
    assert set(codes) <= {errno.ETIMEDOUT, errno.EIO}
    hadoop.wait_ready()
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


def test_files_are_written_and_read_although_a_datanode_has_just_died(
    folder: Path, dead_datanode: None
) -> None:
    large = bytes(range(256)) * 4096 * 20
    for number in range(10):
        (folder / f"small{number}").write_text(f"{number}")
        assert (folder / f"small{number}").read_text() == f"{number}"
    (folder / "large").write_bytes(large)
    assert (folder / "large").read_bytes() == large
    assert len(list(folder.iterdir())) == 11


def test_a_large_file_is_appended_to_although_a_datanode_has_just_died(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    large = bytes(range(256)) * 4096 * 6
    (folder / "log").write_bytes(large)
    request.getfixturevalue("dead_datanode")
    for number in range(3):
        with (folder / "log").open("ab") as file:
            file.write(b"%d" % number)
    assert (folder / "log").read_bytes() == large + b"012"
    assert [path.name for path in folder.iterdir()] == ["log"]


@pytest.mark.parametrize("attempt", range(5))
def test_files_are_whole_after_the_container_was_killed(  # the attempts kill it at other moments
    attempt: int,
    hadoop: MiniHadoop,
    root: str,
    tmp_path: Path,
    mount: Mount,
    folder: Path,
    wait_until: Callable[..., object],
) -> None:
    container = start_mount(hadoop, tmp_path)
    inside = container.path / root.lstrip("/")
    (inside / "saved").write_bytes(b"0" * 100_000)
    (inside / "large").write_bytes(b"old")
    large = (inside / "large").open("wb", buffering=0)
    large.write(bytes(40_000_000))  # HDFS has most of it, in a temporary file
    running = threading.Thread(target=save_again_and_again, args=(inside / "saved",))
    running.start()
    wait_until(lambda: (folder / "saved").read_bytes()[:1] != b"0", 20, "it was saved again")
    container.kill_all()
    running.join()
    saved = (folder / "saved").read_bytes()
    assert (len(saved), len(set(saved))) == (100_000, 1)
    assert (folder / "large").read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir()) == ["large", "saved"]
    for name in ("large", "saved"):  # the lock of a save is given up after a minute
        wait_until(lambda name=name: can_write(folder / name), 60, "it can be saved again")
        assert (folder / name).read_text() == "next"


def save_again_and_again(path: Path) -> None:
    """Save a file with other content each time, until that fails."""
    number = 0
    while True:
        number = number % 200 + 1
        try:
            path.write_bytes(bytes([number]) * 100_000)
        except OSError:
            return


def can_write(path: Path) -> bool:
    try:
        path.write_text("next")
    except OSError:
        return False
    return True
