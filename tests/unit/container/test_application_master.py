"""The payload from its first line on: the server comes first, and never stays behind alone."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from yarnspawner.container.payload import Launch
from yarnspawner.container.processes import read_process
from yarnspawner.container.server import bind
from yarnspawner.launch.program import build_payload

RESOURCEMANAGERS_PART = "yarnspawner/container/scheduler.py"

#: Until the server opens the other end: it is not opened by a server that has not started.
WAITS_FOR_THE_SERVER = "open('server').close()\n"
SERVER = "echo $$ > pid && : > server && exec sleep 300"

Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """`run(first, script)`: a payload in which `first` comes before the part that speaks to the
    ResourceManager, and `script` is the server's. All of its processes end with the test."""
    processes: list[subprocess.Popen[bytes]] = []
    os.mkfifo(tmp_path / "server")

    def start(
        first: str = "", script: str = SERVER, port_range: tuple[int, int] | None = None
    ) -> subprocess.Popen[bytes]:
        launch = Launch(["x"], {}, [], "127.0.0.1", port_range, script, report_path="port")
        (tmp_path / "payload").write_bytes(with_first(first, build_payload(launch)))
        processes.append(
            subprocess.Popen(
                [sys.executable, "-E", "-S", "payload"],
                cwd=tmp_path,
                env={
                    "PATH": os.environ["PATH"],
                    "CONTAINER_ID": f"container_{tmp_path}",
                    "JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api",
                },
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def with_first(source: str, payload: bytes) -> bytes:
    """Put `source` at the top of the payload's part that speaks to the ResourceManager."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(payload)) as old, zipfile.ZipFile(changed, "w") as new:
        assert RESOURCEMANAGERS_PART in old.namelist()
        for name in old.namelist():
            data = old.read(name)
            if name == RESOURCEMANAGERS_PART:
                future = b"from __future__ import annotations\n"
                data = future + source.encode() + data.replace(future, b"")
            new.writestr(name, data)
    return changed.getvalue()


def is_left(folder: Path) -> bool:
    return read_process(int((folder / "pid").read_text())) is not None


def test_the_server_does_not_wait_for_what_speaks_to_the_resourcemanager(run: Run):
    process = run(f"{WAITS_FOR_THE_SERVER}import os\nos._exit(5)\n")
    assert process.wait(60) == 5


def test_a_stop_that_comes_before_anybody_can_be_told_ends_the_server_too(run: Run, tmp_path: Path):
    stop = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n"
    process = run(WAITS_FOR_THE_SERVER + stop)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert b"stopped by SIGTERM" in said
    assert not is_left(tmp_path)


def test_no_server_stays_that_nobody_looks_after(run: Run, tmp_path: Path):
    process = run(f"{WAITS_FOR_THE_SERVER}raise RuntimeError('no memory, say')\n")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"no memory, say" in said
    assert not is_left(tmp_path)


def test_a_server_that_ends_before_anybody_can_be_told_is_told_of(run: Run):
    wait = "import os\nos.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)\n"
    process = run(wait, "echo My last words. >&2; exit 7")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 7
    assert b"[yarnhub] The notebook server ended with exit code 7." in said


def test_a_server_that_gets_no_port_is_told_of(run: Run):
    with bind("127.0.0.1", None) as taken:
        port = taken.getsockname()[1]
        process = run(port_range=(port, port))
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"[yarnhub] The notebook server got no port: no port of" in said


def test_a_server_that_can_not_be_started_is_told_of(run: Run, tmp_path: Path):
    (tmp_path / "home").write_text("a file, and no folder")
    process = run()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"[yarnhub] The notebook server could not be started: File exists" in said


def test_a_command_that_can_not_be_one_is_told_of(run: Run):
    process = run(script="echo \0")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"[yarnhub] The notebook server could not be started: embedded null byte." in said
