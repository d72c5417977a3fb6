"""The processes that are ended with a cluster, and those that are not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from yarnhub.minihadoop.daemon import Daemon
from yarnhub.minihadoop.errors import DaemonError
from yarnhub.minihadoop.processes import (
    DAEMON,
    containers,
    daemons,
    end_processes,
    is_running,
    is_suspended,
    send_signal,
    wait_end,
)

SLEEP = ["sleep", "1000"]


class Starter:
    """Starts processes, and ends those that a test left."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self, *command: str, **variables: str) -> psutil.Process:
        child = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], **variables}, start_new_session=True
        )
        self._started.append(child)
        return psutil.Process(child.pid)

    def end(self) -> None:
        for child in self._started:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


@pytest.fixture
def start() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.end()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def container(state: Path) -> dict[str, str]:
    return {"LOCAL_DIRS": f"{state}/yarn/node1/local/usercache/alice/appcache/application_1"}


def test_daemons_and_containers_are_ended(state, start):
    daemon = start(*SLEEP, **{DAEMON: f"{state}/namenode"})
    inside = start(*SLEEP, **container(state))
    assert daemons(state) == {"namenode": daemon}
    assert containers(state) == [inside]
    end_processes(state)
    assert not is_running(daemon)
    assert not is_running(inside)


def test_a_child_without_its_environment_is_ended_with_its_container(state, start, wait_until):
    leader = start("sh", "-c", "env -i sleep 1000 & exec sleep 1000", **container(state))
    wait_until(lambda: len(containers(state)) == 2, 30, "both run")
    child = next(process for process in containers(state) if process.pid != leader.pid)
    end_processes(state)
    assert not is_running(child)


def test_processes_that_ignore_sigterm_or_are_suspended_are_ended_too(
    state, start, monkeypatch, wait_until
):
    monkeypatch.setattr("yarnhub.minihadoop.processes._GRACE_SECONDS", 0.2)
    armed = state / "armed"
    deaf = start(
        "sh", "-c", f"trap '' TERM; touch {armed}; while :; do sleep 1; done", **container(state)
    )
    wait_until(armed.exists, 30, "the trap is set")
    frozen = start(*SLEEP, **{DAEMON: f"{state}/resourcemanager"})
    send_signal(frozen, signal.SIGSTOP)
    end_processes(state)
    assert not is_running(deaf)
    assert not is_running(frozen)


def test_a_shell_that_uses_the_cluster_is_left_alone(state, start):
    shell = start(*SLEEP, HADOOP_CONF_DIR=f"{state}/conf", HADOOP_HOME=str(state))
    end_processes(state)
    assert is_running(shell)


def test_a_cluster_in_a_directory_of_a_similar_name_is_left_alone(state, start):
    other = Path(f"{state}2")
    daemon = start(*SLEEP, **{DAEMON: f"{other}/namenode"})
    inside = start(*SLEEP, **container(other))
    end_processes(state)
    assert is_running(daemon)
    assert is_running(inside)


def test_a_reused_pid_gets_no_signal(start):
    process = start(*SLEEP)
    earlier = psutil.Process(process.pid)
    pid, started = earlier._ident
    earlier._ident = (pid, started - 1)
    assert not is_running(earlier)
    send_signal(earlier, signal.SIGKILL)
    assert is_running(process)


def test_waiting_ends_with_the_process_or_after_the_timeout(start):
    process = start(*SLEEP)
    assert not wait_end(process, 0)
    send_signal(process, signal.SIGKILL)
    assert wait_end(process, 60)
    assert wait_end(process, 0)


OWNER = """
import pathlib, subprocess, sys
from yarnhub.minihadoop import watchdog
state = pathlib.Path(sys.argv[1])
daemon = subprocess.Popen(["sleep", "1000"], env={{"{variable}": f"{{state}}/namenode"}})
watchdog.watch(state, remove=True)
print(daemon.pid, flush=True)
sys.stdin.read()
"""


def test_the_watchdog_ends_the_cluster_of_a_killed_owner_and_its_folder(tmp_path, wait_until):
    state = tmp_path / "state"
    state.mkdir()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(variable=DAEMON), str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        running = psutil.Process(int(owner.stdout.readline()))
        assert is_running(running)
    finally:
        owner.kill()
    # A killed owner has ended before its parent reaps it.
    wait_until(lambda: not state.exists(), 30, "the folder is removed")
    owner.communicate()
    assert not is_running(running)


def daemon(state: Path, command: str, is_ready=lambda: False) -> Daemon:
    return Daemon("worker", ["sh", "-c", command], dict(os.environ), state, is_ready)


def test_a_daemon_that_ends_at_its_start_is_reported_with_its_log(state):
    broken = daemon(state, "echo no such disk; exit 3")
    broken.start()
    with pytest.raises(DaemonError, match=r"(?s)The worker ended while .*no such disk"):
        broken.wait_ready(60)
    assert not broken.is_running


def test_another_daemon_that_ends_is_reported_at_once(state):
    waiting, broken = daemon(state, "exec sleep 1000"), daemon(state, "echo no class; exit 1")
    never_started = daemon(state, "true")
    broken.name = "resourcemanager"
    waiting.start()
    broken.start()
    with pytest.raises(DaemonError, match=r"(?s)The resourcemanager ended while .*no class"):
        waiting.wait_ready(60, [never_started, broken])
    waiting.kill()


def test_a_daemon_that_is_not_ready_in_time_is_reported(state):
    slow = daemon(state, "exec sleep 1000")
    slow.start()
    with pytest.raises(DaemonError, match="was not ready in time"):
        slow.wait_ready(0)
    slow.kill()


def test_a_daemon_can_be_ended_and_started_again(state, wait_until):
    worker = daemon(state, "echo started; exec sleep 1000", is_ready=lambda: True)
    worker.start()
    worker.wait_ready()
    first = worker.pid
    worker.stop()
    assert not worker.is_running
    worker.start()
    assert worker.pid != first
    # While it becomes another program, it shows no variables.
    wait_until(lambda: "worker" in daemons(state), 30, "the daemon's variables")
    assert daemons(state)["worker"].pid == worker.pid
    worker.kill()
    with pytest.raises(DaemonError, match="is not running"):
        _ = worker.pid


def test_a_process_that_has_ended_is_not_stopped():
    with subprocess.Popen(["sleep", "1000"]) as sleeper:
        sleeper.kill()
    assert not is_suspended(sleeper.pid)


def test_a_suspended_daemon_is_stopped_by_the_kernel_until_it_is_resumed(state, wait_until):
    worker = daemon(state, "exec sleep 1000")
    worker.start()
    worker.suspend()
    assert psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED
    worker.resume()
    wait_until(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_SLEEPING, 30, "it runs")
    worker.kill()


BUSY_THREADS = """
import threading
def spin():
    while True:
        sum(range(1000))
for _ in range(20):
    threading.Thread(target=spin).start()
open("{ready}", "w").close()
"""


def test_no_thread_of_a_suspended_daemon_still_runs(state, wait_until, tmp_path):
    ready = tmp_path / "ready"
    script = tmp_path / "busy.py"
    script.write_text(BUSY_THREADS.format(ready=ready))
    worker = daemon(state, f"exec {sys.executable} {script}")
    worker.start()
    try:
        wait_until(ready.exists, 60, "its threads run")
        for _ in range(10):
            worker.suspend()
            threads = Path(f"/proc/{worker.pid}/task").iterdir()
            assert {(thread / "stat").read_text().split()[2] for thread in threads} == {"T"}
            worker.resume()
    finally:
        worker.kill()


def test_a_failed_task_is_reported(state):
    task = daemon(state, "echo no space left; exit 1")
    task.start()
    with pytest.raises(DaemonError, match=r"(?s)exit code 1.*no space left"):
        task.wait_done(60)
