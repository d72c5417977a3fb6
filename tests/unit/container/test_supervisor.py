"""The application master's main loop, with a real child, in a process and session of its own.

It signals its process group, so it must never run in that of the tests. Supervisor and child say
what happens to them in lines on one pipe; the tests wait for those.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from yarnspawner.container.payload import Launch
from yarnspawner.launch.program import build_payload

SUPERVISOR = """
import json, os, signal, subprocess, sys
from yarnspawner.container import server, signals, supervisor
from yarnspawner.container.payload import Launch
from yarnspawner.container.scheduler import AttemptOverError
from hadoop_client.rpc.call import ConnectError, RpcError

failures = {
    "connect": ConnectError("nobody there", {}),
    "refused": RpcError("java.io.IOException", "refused"),
    "over": AttemptOverError("the attempt is over"),
    "over without a word": AttemptOverError(""),
}
plan, command = json.loads(sys.argv[1]), sys.argv[2:]

def tell(*event):
    os.write(1, json.dumps(event).encode() + b"\\n")

def act(name):
    failure = plan[name].pop(0) if plan.get(name) else None
    if failure:
        raise failures[failure]

class Scheduler:
    def register(self, *place):
        tell("register", *place, server.is_listening(sock))
        act("register")
    def heartbeat(self):
        tell("heartbeat")
        if plan.get("hangs"):
            os.read(woken, 1)  # which a signal that came just before ends too
        act("heartbeat")

def wait(*arguments):
    tell("waits")
    return sigtimedwait(*arguments)

def leave_session():
    setsid()
    tell("sweeps")

woken, wakes = os.pipe2(os.O_NONBLOCK)
os.set_blocking(woken, True)
signal.set_wakeup_fd(wakes)
sigtimedwait, signal.sigtimedwait = signal.sigtimedwait, wait
setsid, os.setsid = os.setsid, leave_session
supervisor.HEARTBEAT_SECONDS = plan.get("every", 1000)
supervisor.STOP_GRACE_SECONDS = plan.get("grace", 1000)
supervisor.LISTEN_POLL_SECONDS = 0.01
signals.hold_signals()
launch = Launch(command, {"JUPYTERHUB_PUBLIC_URL": "http://hub/"}, [])
sock = server.bind("127.0.0.1", None)
tell("port", sock.getsockname()[1])
process = server.start_server(launch, plan["program"], dict(os.environ), sock)
if plan.get("ended before"):
    os.killpg(0, signal.SIGTERM)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
def fail():
    raise BlockingIOError("no more processes")

if plan.get("no fork"):
    os.fork = fail
supervised = supervisor.Supervisor(process, sock, Scheduler(), launch)
try:
    tell("ended", supervised.run(), supervised.stop_reason)
except Exception as error:
    tell("ended", repr(error))
"""

CHILD = """
import json, os, signal, socket, sys

def tell(*event):
    os.write(1, json.dumps(event).encode() + b"\\n")

def leave(*arguments):
    tell("leaves")
    sys.exit(0)

behaviour = sys.argv[2:]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
if "ignores" in behaviour:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "cleans up" in behaviour:
    signal.signal(signal.SIGTERM, leave)
if "has a kernel" in behaviour and os.fork() == 0:
    signal.pause()
if "has a detached kernel" in behaviour and os.fork() == 0:
    os.setsid()
    tell("kernel", os.getpid())
    while True:
        signal.pause()
tell("child", os.getpid())
if "listens" not in behaviour:
    signal.sigwaitinfo([signal.SIGUSR1])
sock = socket.socket(fileno=int(os.environ["YARNHUB_SOCKET"].split()[0]))
sock.listen()
signal.sigwaitinfo([signal.SIGUSR1])
sys.exit(7)
"""

Event = list[Any]


class Supervised:
    """A supervisor with its child, and what they tell."""

    def __init__(
        self, folder: Path, *behaviour: str, stderr: int | None = None, **plan: object
    ) -> None:
        program, payload = folder / "child.py", folder / "payload"
        program.write_text(CHILD)
        payload.write_bytes(build_payload(Launch([], {}, [])))
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                SUPERVISOR,
                json.dumps({"program": str(program), **plan}),
                *behaviour,
            ],
            env={
                "CONTAINER_ID": f"container_{folder}",
                "HOME": str(folder / "home"),
                "PYTHONPATH": str(payload),  # the modules as they travel, without the hub's
            },
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        self._pipe = self.process.stdout
        self._unread = b""
        self.events: list[Event] = []

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def next(self) -> Event | None:
        """The next event, None when every process that could tell one has ended."""
        while b"\n" not in self._unread:
            assert select.select([self._pipe], [], [], 60)[0], f"silent after {self.events}"
            data = os.read(self._pipe.fileno(), 4096)
            if not data:
                return None
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        self.events.append(json.loads(line))
        assert len(self.events) < 1000, "this goes on for ever"
        return self.events[-1]

    def until(self, name: str, count: int = 1) -> Event:
        """Wait for `count` more events of this name; returns the last."""
        while count:
            event = self.next()
            assert event is not None, f"no {name}, but the end after {self.events}"
            assert name == "ended" or event[0] != "ended", f"no {name}, but {event}"
            count -= event[0] == name
        return event

    def see(self, *names: str) -> Event:
        """Wait until there was an event of each name; returns the first of the last name."""
        for name in names:
            if not self.count(name):
                self.until(name)
        return next(event for event in self.events if event[0] == names[-1])

    def count(self, name: str) -> int:
        return sum(event[0] == name for event in self.events)

    def end(self) -> Event:
        """Wait for the end of all processes; returns the exit code and the reason to stop."""
        self.until("ended")
        assert self.next() is None
        return self.events[-1][1:]


Supervise = Callable[..., Supervised]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """Start a child of the given behaviour with its supervisor; both end with the test."""
    started: list[Supervised] = []

    def start(*behaviour: str, **plan: Any) -> Supervised:
        started.append(Supervised(tmp_path, *behaviour, **plan))
        return started[-1]

    yield start
    for supervised in started:
        supervised.close()


def test_the_server_is_registered_when_it_listens_and_not_before(supervise):
    both = supervise()
    child = both.until("child")[1]
    both.until("waits", 3)
    assert both.count("register") == 0
    os.kill(child, signal.SIGUSR1)
    _, host, port, url, listening = both.until("register")
    assert (host, port, url) == (socket.gethostname(), both.events[0][1], "http://hub/")
    assert listening
    both.until("waits")
    assert both.count("register") == 1


def test_heartbeats_come_when_they_are_due(supervise):
    both = supervise("listens", every=0.01)
    both.until("register")
    both.until("heartbeat", 3)
    assert both.count("register") == 1


def test_no_heartbeat_comes_before_it_is_due(supervise):
    both = supervise("listens", every=1000)
    both.until("register")
    for _ in range(3):
        both.until("waits")
        os.kill(both.process.pid, signal.SIGCHLD)  # it looks around, and waits on
    both.until("waits")
    assert both.count("heartbeat") == 0


@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_with_a_supervisor_that_is_told_to_end(supervise, send, number):
    both = supervise("listens", "has a kernel")
    both.until("register")
    send(both.process.pid, number)
    code, reason = both.end()
    assert code in (-number, -signal.SIGTERM)
    assert reason == f"stopped by {number.name}"


def test_a_server_that_does_not_listen_yet_ends_too(supervise):
    both = supervise()
    both.until("child")
    os.kill(both.process.pid, signal.SIGTERM)
    assert both.end() == [-signal.SIGTERM, "stopped by SIGTERM"]
    assert both.count("register") == 0


def test_a_stop_is_told_from_an_end_though_the_server_was_the_first_to_go(supervise):
    both = supervise(**{"ended before": True})
    assert both.end() == [-signal.SIGTERM, "stopped by SIGTERM"]


def test_the_server_has_time_to_clean_up(supervise):
    both = supervise("listens", "cleans up")
    both.until("register")
    os.kill(both.process.pid, signal.SIGTERM)
    both.until("leaves")
    assert both.end() == [0, "stopped by SIGTERM"]


def test_a_server_that_ignores_the_request_to_end_is_killed_after_a_grace(supervise):
    both = supervise("listens", "ignores", grace=0.01)
    both.until("register")
    os.kill(both.process.pid, signal.SIGTERM)
    assert both.end() == [-signal.SIGKILL, "stopped by SIGTERM"]


def test_the_server_ends_with_the_attempt_and_so_does_what_it_has_started(supervise):
    both = supervise("listens", "has a kernel", every=0.01, heartbeat=[None, "over"])
    assert both.end() == [-signal.SIGTERM, "the attempt is over"]
    assert both.count("heartbeat") == 2


def test_the_server_ends_with_an_attempt_that_is_over_without_a_word(supervise):
    both = supervise("listens", every=0.01, heartbeat=["over without a word", "over"])
    assert both.end()[0] == -signal.SIGTERM
    assert both.count("heartbeat") == 1


def test_heartbeats_that_fail_leave_the_server_alone(supervise):
    both = supervise("listens", every=0.01, heartbeat=["connect", "refused"])
    both.until("heartbeat", 3)


def test_a_full_disk_of_the_log_leaves_the_server_alone_and_its_end_is_told(supervise):
    with Path("/dev/full").open("wb") as full:
        both = supervise("listens", every=0.01, heartbeat=["connect"] * 2, stderr=full.fileno())
    both.until("heartbeat", 3)
    os.kill(both.process.pid, signal.SIGTERM)
    assert both.end() == [-signal.SIGTERM, "stopped by SIGTERM"]


def test_a_registration_that_nobody_answers_is_tried_again(supervise):
    both = supervise("listens", every=0.01, register=["connect", "connect"])
    both.until("register", 3)
    assert both.count("heartbeat") == 0
    both.until("heartbeat")
    assert both.count("register") == 3


@pytest.mark.parametrize("refusal", ["refused", "over"])
def test_the_server_ends_when_its_registration_is_refused(supervise, refusal):
    code, reason = supervise("listens", register=[refusal]).end()
    assert code == -signal.SIGTERM
    assert refusal in reason


def test_a_server_that_ends_by_itself_gives_its_exit_code(supervise):
    both = supervise("listens")
    child = both.until("child")[1]
    both.until("register")
    os.kill(child, signal.SIGUSR1)
    assert both.end() == [7, None]


def test_a_server_that_something_else_kills_gives_the_signal(supervise):
    both = supervise()
    os.kill(both.until("child")[1], signal.SIGKILL)
    assert both.end() == [-signal.SIGKILL, None]
    assert both.count("register") == 0


@pytest.mark.parametrize("behaviour", [[], ["ignores"]])
def test_a_kernel_in_a_session_of_its_own_ends_with_a_server_that_is_killed(supervise, behaviour):
    both = supervise("has a detached kernel", *behaviour)
    os.kill(both.see("kernel", "child")[1], signal.SIGKILL)
    assert both.end() == [-signal.SIGKILL, None]


def test_a_kernel_ends_though_the_user_has_reached_a_limit_of_processes(supervise):
    both = supervise("has a detached kernel", **{"no fork": True})
    os.kill(both.see("kernel", "child")[1], signal.SIGKILL)
    assert both.end() == [-signal.SIGKILL, None]


def test_a_kernel_in_a_session_of_its_own_ends_though_the_supervisor_is_killed_meanwhile(supervise):
    """As YARN does a quarter of a second after it has asked the process group to end."""
    both = supervise("listens", "ignores", "has a detached kernel")
    both.see("kernel", "register")
    os.killpg(both.process.pid, signal.SIGTERM)
    both.see("sweeps")
    os.killpg(both.process.pid, signal.SIGKILL)
    assert both.next() is None


def test_another_containers_processes_are_left_alone(supervise, tmp_path):
    mine = {**os.environ, "CONTAINER_ID": f"container_{tmp_path}_of_another"}
    waits = [sys.executable, "-c", "import signal; signal.pause()"]
    with subprocess.Popen(waits, env=mine, start_new_session=True) as other:
        both = supervise("has a detached kernel")
        both.see("kernel")
        os.kill(both.process.pid, signal.SIGTERM)
        both.end()
        assert other.poll() is None
        other.kill()


def test_a_call_that_nobody_answers_does_not_hold_up_the_end(supervise):
    both = supervise("listens", every=0.01, hangs=True)
    both.until("heartbeat")
    os.kill(both.process.pid, signal.SIGTERM)
    assert both.end() == [-signal.SIGTERM, "stopped by SIGTERM"]
