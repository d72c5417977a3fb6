"""The parts of a server's start: its own process, the hub's work, and its first kernel."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import application
from yarnhub.minihadoop import MiniHadoop
from yarnspawner.container.payload import Launch
from yarnspawner.container.server import is_listening, start
from yarnspawner.launch.program import build_payload

TIMEOUT_SECONDS = 120
LOOK_SECONDS = 0.002

#: The line that jupyter_server writes when it has begun to listen.
LISTENS = re.compile(r"\[I (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) .*is running at:")


def measure_process(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Start a server as its application master does; returns the seconds until it listens."""
    launch = Launch(list(command), dict(environment), schedulers=[], ip="127.0.0.1")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _container(folder):
        program = Path(folder) / "program"
        program.write_bytes(build_payload(launch))
        began = time.monotonic()
        server = start(launch, str(program))
        try:
            while not is_listening(server.sock):
                if server.process.poll() is not None:
                    raise RuntimeError("the server ended")
                if time.monotonic() > began + TIMEOUT_SECONDS:
                    raise TimeoutError(f"no server within {TIMEOUT_SECONDS} s")
                time.sleep(LOOK_SECONDS)
            return time.monotonic() - began
        finally:
            server.process.kill()
            server.process.wait()
            server.sock.close()


@contextmanager
def _container(folder: str) -> Iterator[None]:
    """Make `folder` the current directory, with what processes print in a file there."""
    before, output, errors = Path.cwd(), os.dup(1), os.dup(2)
    os.chdir(folder)
    try:
        with open("output", "wb") as file:  # noqa: PTH123
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.close(output)
        os.close(errors)
        os.chdir(before)


def hub_seconds(hadoop: MiniHadoop, application_id: str, requested: float, ready: float) -> float:
    """Return the hub's part of a start, which was requested and ready at these times (`time.time`).

    It lasts from the request until YARN has the application, and from the moment at which the
    server listens until it is ready. Raises RuntimeError if the server's log lacks that moment.
    """
    submitted = application(hadoop, application_id)["startedTime"] / 1000
    for log in hadoop.state.folder.glob(f"**/{application_id}/**/stderr"):
        if found := LISTENS.search(log.read_text(errors="replace")):
            listens = datetime.fromisoformat(found[1]).timestamp()
            return (submitted - requested) + (ready - listens)
    raise RuntimeError(f"no log of {application_id} says when it listens")


def measure_kernel(hub: Hub, user: str) -> float:
    """Start a kernel of a running server; returns the seconds until it answers."""
    token = str(hub.api("POST", f"users/{user}/tokens")["token"])
    began = time.monotonic()
    response = hub.post(f"/user/{user}/api/kernels", {})
    response.raise_for_status()
    kernel = str(response.json()["id"])
    address = f"{hub.url}/user/{user}/api/kernels/{kernel}/channels"
    asyncio.run(_first_answer(address.replace("http", "ws", 1), token))
    return time.monotonic() - began


async def _first_answer(address: str, token: str) -> None:
    """Wait until the kernel at a websocket's address has answered."""
    request = HTTPRequest(address, headers={"Authorization": f"token {token}"})
    connection = await websocket_connect(request)
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "kernel_info_request",
        "session": uuid.uuid4().hex,
        "username": "",
        "version": "5.3",
    }
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": {}}
    await connection.write_message(json.dumps({**message, "channel": "shell", "buffers": []}))
    while True:
        answer = await asyncio.wait_for(connection.read_message(), TIMEOUT_SECONDS)
        if answer is None:
            raise RuntimeError("the kernel's connection was closed")
        if json.loads(answer)["msg_type"] == "kernel_info_reply":
            connection.close()
            return


def command_of(name: str) -> str:
    """Return the path of a program in this environment."""
    return str(Path(sys.executable).parent / name)
