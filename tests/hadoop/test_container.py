"""The end of a server on a real node: what is left of it there, and what YARN is told."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.hadoop.hub import LIGHT_SERVER, Hub
from tests.hadoop.yarn_rest import application
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.processes import is_running, send_signal

# Kernels and terminals are in sessions of their own, where a signal to YARN's process group does
# not reach them.
WITH_KERNEL = f"""#!{sys.executable}
import os, runpy, subprocess, sys
wait = [sys.executable, "-c", "import signal; signal.pause()"]
kernel = subprocess.Popen(wait, start_new_session=True)
os.environ.update(SERVER_PID=str(os.getpid()), KERNEL_PID=str(kernel.pid))
runpy.run_path({str(LIGHT_SERVER)!r}, run_name="__main__")
"""


def kill_server(hub: Hub, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def stop_server(hub: Hub, pid: int) -> None:
    hub.stop_server("alice")


def end_server(hub: Hub, pid: int) -> None:
    hub.get("/user/alice/end")


@pytest.mark.parametrize("end", [kill_server, stop_server, end_server])
def test_a_server_leaves_no_kernel_behind(
    hub: Hub,
    tmp_path: Path,
    wait_until: Callable[..., Any],
    end: Callable[[Hub, int], None],
):
    program = tmp_path / "with-kernel"
    program.write_text(WITH_KERNEL)
    program.chmod(0o755)
    hub.start_server("alice", config=f"c.YarnSpawner.cmd = [{str(program)!r}]\n")
    environment = hub.environment_of("alice")
    kernel = psutil.Process(int(environment["KERNEL_PID"]))
    assert is_running(kernel)
    end(hub, int(environment["SERVER_PID"]))
    try:
        wait_until(lambda: not is_running(kernel), 30, "the kernel's end")
    finally:
        send_signal(kernel, signal.SIGKILL)


def test_a_server_that_ends_while_the_resourcemanager_is_away_ended_well(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice")
    hadoop.resourcemanager.stop()
    try:
        hub.get("/user/alice/end")
    finally:
        hadoop.resourcemanager.start()
        hadoop.wait_ready()

    def end() -> dict[str, Any] | None:
        seen = application(hadoop, application_id)
        return seen if seen["state"] in ("FINISHED", "FAILED", "KILLED") else None

    seen = wait_until(end, 90, "its end")
    assert (seen["state"], seen["finalStatus"]) == ("FINISHED", "SUCCEEDED")
