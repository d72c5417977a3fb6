"""The extension in a real jupyter_server that leads a session, as the first process of a container
does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_client import BlockingKernelClient

from yarnspawner.lab.facts import FACTS_VARIABLE, ServerFacts

TOKEN = "secret"
MIB = 1 << 20

#: Allocates without end, as fast as the machine can.
BURST = """
kept = []
while True:
    kept.append(b"x" * (16 << 20))
"""


class Server:
    """A jupyter_server with the extension."""

    def __init__(self, home: Path, facts: ServerFacts) -> None:
        self._log = home / "log"
        clean = {name: value for name, value in os.environ.items() if "JUPYTER" not in name}
        own = {"HOME": str(home), FACTS_VARIABLE: facts.to_json(), "IPYTHONDIR": str(home)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                    "--ServerApp.jpserver_extensions=yarnspawner.lab.extension=True",
                    f"--IdentityProvider.token={TOKEN}",
                    "--ServerApp.port=0",
                ],
                env={**clean, **own},
                cwd=home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._home = home
        self.http = httpx.Client(
            headers={"Authorization": f"token {TOKEN}"}, timeout=60, trust_env=False
        )

    def log(self) -> str:
        return self._log.read_text()

    def answers(self) -> bool:
        """Tell whether the server answers; then `http` is a client of it."""
        assert self.process.poll() is None, self.log()
        for file in self._home.rglob("jpserver-*.json"):
            url = file.read_text().partition('"url": "')[2].partition('"')[0]
            if url:
                self.http.base_url = url
                with suppress(httpx.TransportError):
                    return self.http.get("api/status").is_success
        return False

    def kernel(self) -> BlockingKernelClient:
        """Start a kernel; returns a client of it."""
        kernel_id = self.http.post("api/kernels", json={}).json()["id"]
        (connection,) = self._home.rglob(f"kernel-{kernel_id}.json")
        client = BlockingKernelClient(connection_file=str(connection))
        client.load_connection_file()
        client.start_channels(iopub=False, stdin=False, hb=False)
        client.wait_for_ready(timeout=120)
        return client


@pytest.fixture
def start(tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(facts: ServerFacts) -> Server:
        server = Server(tmp_path, facts)
        servers.append(server)
        wait_until(server.answers, 120, "the server's start")
        return server

    yield make
    for server in servers:
        server.process.terminate()
        server.process.wait(60)
        server.http.close()


def test_a_burst_ends_its_kernel_alone_and_jupyterlab_learns_why(
    start: Callable[..., Server], wait_until: Callable[..., Any]
) -> None:
    server = start(ServerFacts(memory=700 * MIB, memory_margin=0.2))
    other, burst = server.kernel(), server.kernel()
    other.execute("kept = 42", reply=True, timeout=120)
    burst.execute(BURST)
    wait_until(lambda: "A kernel was ended" in server.log(), 120, "the sentence in the log")
    reply = other.execute("", user_expressions={"kept": "kept"}, reply=True, timeout=120)
    assert reply["content"]["user_expressions"]["kept"]["data"]["text/plain"] == "42"
    assert server.answers()
    for client in (other, burst):
        client.stop_channels()
    status = server.http.get("yarnhub/api/status").json()
    (end,) = status["ended_kernels"]
    assert end["sentence"].startswith("A kernel was ended, because it used")
    assert status["memory_limit"] == 700 * MIB

    def used() -> int:
        return server.http.get("yarnhub/api/status").json()["memory_used"]

    wait_until(lambda: 0 < used() < 700 * MIB, 60, "the memory of the kernel to be free")
    assert end["sentence"] in server.http.get("yarnhub/api/log").json()["text"]
    assert server.http.get("yarnhub/api/guide").json()["text"].startswith("# Your server")
    refused = server.http.post("yarnhub/api/lifetime")
    assert refused.status_code == httpx.codes.CONFLICT
    assert refused.json()["message"].startswith("The hub did not answer as expected")
    for method, name in (("GET", "status"), ("POST", "lifetime"), ("GET", "log"), ("GET", "guide")):
        address = f"{server.http.base_url}yarnhub/api/{name}"
        anonymous = httpx.request(method, address, trust_env=False, timeout=60)
        assert anonymous.status_code == httpx.codes.FORBIDDEN


def test_a_cell_that_prints_nothing_keeps_its_server_active(
    start: Callable[..., Server], wait_until: Callable[..., Any], tmp_path: Path
) -> None:
    server = start(ServerFacts(memory=2048 * MIB, memory_margin=0.05))
    client = server.kernel()
    begun, end = tmp_path / "begun", tmp_path / "end"

    def is_heard() -> bool:
        # The server may not have heard what the kernel said first.
        client.kernel_info()
        (kernel,) = server.http.get("api/kernels").json()
        return kernel["execution_state"] != "starting"

    wait_until(is_heard, 60, "the kernel to be heard")
    client.execute(
        "import pathlib, time\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(end)!r}).exists(): time.sleep(0.02)"
    )
    wait_until(begun.exists, 120, "the cell's begin")
    # Messages of its begin may still arrive, but not after this time.
    silent = datetime.now(timezone.utc) + timedelta(seconds=1)

    def last_activity() -> datetime:
        # This request is no activity.
        text = server.http.get("api/status").json()["last_activity"]
        return datetime.fromisoformat(text.replace("Z", "+00:00"))

    wait_until(lambda: last_activity() > silent, 60, "the cell to be activity")
    end.touch()
    client.stop_channels()
