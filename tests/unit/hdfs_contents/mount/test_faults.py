"""The daemon is killed, or HDFS fails or does not answer: what programs on the mount see then."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hdfs_contents.mount.state import Journal
from tests.mounts import Mount, names


@pytest.mark.parametrize("how", ["w", "r+", "a"])
def test_what_is_open_outlives_a_killed_daemon(
    how: str, folder: Path, stored: Path, mount: Mount
) -> None:
    (folder / "d").mkdir()
    for name in ("read", "written"):
        (folder / "d" / name).write_text("old")
    expected = {"w": "one two", "r+": "one two", "a": "oldone two"}
    with (folder / "d" / "read").open() as read, (folder / "d" / "written").open(how) as written:
        written.write("one")
        written.flush()
        mount.kill()
        mount.start()
        written.write(" two")
        assert read.read() == "old"
    assert (stored / "d" / "written").read_text() == expected[how]
    assert names(folder / "d")


def test_names_that_no_program_uses_are_forgotten_when_they_are_many(
    folder: Path, stored: Path, mount: Mount, wait_until: Callable[..., object]
) -> None:
    for number in range(500):
        (stored / f"{number:03}").touch()
    first = (folder / "000").open()

    def known() -> set[str]:
        state = mount.open_state()
        nodes = {record.key: record.value for record in Journal(state).replay() if record.kind == 1}
        os.close(state)
        return {value[24:].decode() for value in nodes.values() if value[16:24] != bytes(8)}

    assert all(entry.stat() for entry in os.scandir(folder))
    wait_until(lambda: len(known()) < 120, 30, "names to be forgotten")
    assert "000" in known()
    first.close()
    assert len(names(folder)) == 500


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_program_that_waits_for_hdfs_can_be_ended_and_holds_up_no_other(
    number: signal.Signals, folder: Path, mount: Mount, wait_until: Callable[..., object]
) -> None:
    elsewhere = folder.with_name(f"elsewhere-{number}")
    elsewhere.mkdir()
    commands = [mount.command(folder, "cat", f"hangs-{n}") for n in range(3)]
    waiting = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
    for process in waiting:
        wait = Path(f"/proc/{process.pid}/wchan")
        wait_until(lambda wait=wait: "request_wait" in wait.read_text(), 30, "cat to wait")
    # Not in the same directory: the kernel lets none be made there while a name is looked up.
    (elsewhere / "a").write_text("others go on")
    assert (elsewhere / "a").read_text() == "others go on"
    for process in waiting:
        process.send_signal(number)
        assert process.wait(60) == -number


def test_other_files_are_used_while_a_file_that_was_closed_waits_for_hdfs(
    mount: Mount, folder: Path, wait_until: Callable[..., object]
) -> None:
    (folder / "stuck").mkdir()
    with (folder / "stuck" / "a").open("wb") as file:
        file.write(bytes(20 * 1024 * 1024))  # a large file is sent before it is closed
        (folder / "stuck" / "a").unlink()
    wait_until((mount.where.with_name("stored") / "waits").exists, 30, "what was sent is deleted")
    others = subprocess.Popen(mount.command(folder, "touch", "b"))
    assert others.wait(60) == 0


def test_a_namenode_that_cannot_be_reached_is_an_input_output_error(folder: Path) -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011
        (folder / "fails").stat()
    assert raised.value.errno == errno.EIO


def test_what_was_published_when_the_daemon_was_killed_is_gone_on_with(
    folder: Path, stored: Path, mount: Mount
) -> None:
    (stored / "a").write_bytes(b"x" * 100_000)
    written = threading.Semaphore(0)

    def kill_five_times() -> None:
        for _ in range(5):
            for _ in range(400):
                written.acquire()
            mount.kill()
            mount.start()

    with ThreadPoolExecutor(1) as thread, (folder / "a").open("r+b", buffering=0) as file:
        killing = thread.submit(kill_five_times)
        number = 0
        while not killing.done():
            file.seek(number % 1000)
            try:
                file.write(b"y")
                os.fsync(file.fileno())
            except OSError:
                written.release(10_000)  # the other thread ends too
                raise
            number += 1
            written.release(20)
    changed = min(number, 1000)
    assert (stored / "a").read_bytes() == b"y" * changed + b"x" * (100_000 - changed)


def test_a_file_is_saved_again_after_a_save_that_had_effect_too_late(
    folder: Path, stored: Path
) -> None:
    (stored / "late").write_text("zero")
    with (folder / "late").open("a") as file:
        for word in (" one", " two"):
            file.write(word)
            file.flush()
            with pytest.raises(TimeoutError):
                os.fsync(file.fileno())
            os.fsync(file.fileno())
    assert (stored / "late").read_text() == "zero one two"
