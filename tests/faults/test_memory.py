"""A server that uses more memory than its container has: YARN ends it, and each page of its user
says so until the next good start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient

from tests.containers import command, processes_of
from tests.hadoop.hub import LIGHT_SERVER, REAL_SERVER, Hub, Person
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop

#: The tests' servers have 256.
MORE_MIB = 800

GUARDED = REAL_SERVER + 'c.YarnSpawner.mem_limit = "1G"\nc.YarnSpawner.memory_margin = 0.25\n'

#: The sentence about a kernel that was ended for its memory.
ENDED = "was ended, because it used"

#: Allocates without end, as fast as the machine can.
BURST = """
kept = []
while True:
    kept.append(b"x" * (16 << 20))
"""


def test_a_server_that_uses_too_much_memory_is_ended_with_the_reason(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice")
    assert hub.get(f"/user/alice/memory/{MORE_MIB}").is_success
    wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 60, "the server's end")
    assert "'PHYSICAL' memory limit" in application(hadoop, application_id)["diagnostics"]
    assert "more memory than" in hub.log().partition(f"({application_id}) has ended")[2]

    end = hub.api("GET", "users/alice?include_stopped_servers")["servers"][""]["state"]["last_end"]
    assert end["reason"] == "memory"
    assert "MiB of 384 MiB)" in end["sentence"]
    alice, bob = (Person(hub, name, "/hub/home") for name in ("alice", "bob"))
    for page in ("/hub/home", "/user/alice/lab", "/hub/yarn/not-responding?url=/user/alice/lab"):
        assert end["sentence"] in alice.http.get(page).text, page
        assert end["sentence"] not in bob.http.get(page).text, page
    error = hub.get("/hub/error/503?url=%2Fuser%2Falice%2Flab").text
    assert "/hub/yarn/not-responding?url=%2Fuser%2Falice%2Flab" in error
    assert "memory" not in error  # the proxy requests it without the browser's cookies

    hub.kill()
    hub.start()
    assert end["sentence"] in alice.http.get("/hub/home").text
    hub.start_server("alice")
    assert end["sentence"] not in alice.http.get("/hub/home").text


def test_a_failed_start_and_a_stop_by_a_service_are_told_at_home(hub: Hub):
    fails = f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'fail', 'no such table']\n"
    hub.refuse_server("alice", fails)
    alice = Person(hub, "alice", "/hub/home")
    home = alice.http.get("/hub/home").text
    assert "The last start failed. The notebook server ended with exit code 1" in home
    assert "no such table" in home
    hub.start_server("alice", config="pass")
    hub.stop_server("alice")
    home = alice.http.get("/hub/home").text
    assert "The service tests of JupyterHub stopped the server." in home
    assert "The last start failed" not in home


def test_a_start_that_uses_too_much_memory_tells_so_and_leaves_nothing(
    hub: Hub, hadoop: MiniHadoop
):
    eats = f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'eat', '{MORE_MIB}']\n"
    message = hub.refuse_server("alice", eats)
    assert "more memory than" in message
    assert "Exception" not in message
    assert running_applications(hadoop) == []


@contextmanager
def kernel_client(hub: Hub, application_id: str) -> Iterator[BlockingKernelClient]:
    """A client of a new kernel of alice's server."""
    kernel_id = hub.post("/user/alice/api/kernels", {}).json()["id"]
    (arguments,) = (
        arguments
        for pid in processes_of(application_id)
        if kernel_id.encode() in (arguments := command(pid))
    )
    connection = arguments.split(b"\0-f\0")[1].split(b"\0")[0].decode()
    client = BlockingKernelClient(connection_file=connection)
    client.load_connection_file()
    client.start_channels(iopub=False, stdin=False, hb=False)
    try:
        client.wait_for_ready(timeout=120)
        yield client
    finally:
        client.stop_channels()


def value_of(client: BlockingKernelClient, expression: str) -> str:
    """Evaluate in a kernel."""
    message = client.execute("", user_expressions={"value": expression}, reply=True, timeout=120)
    return str(message["content"]["user_expressions"]["value"]["data"]["text/plain"])


@pytest.mark.heavy  # it needs a real server and two kernels
def test_a_burst_ends_its_kernel_and_neither_the_server_nor_another_kernel(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice", config=GUARDED)
    with (
        kernel_client(hub, application_id) as other,
        kernel_client(hub, application_id) as burst,
    ):
        server = next(
            pid for pid in processes_of(application_id) if b"\0singleuser\0" in command(pid)
        )
        log = Path(f"/proc/{server}/fd/2").readlink()
        other.execute("kept = 42", reply=True, timeout=120)
        burst.execute(BURST)
        wait_until(lambda: ENDED in log.read_text(), 120, "the sentence in the server's log")
        assert value_of(other, "kept") == "42"
        assert log.read_text().count(ENDED) == 1
    assert hub.application_of("alice") == application_id
    assert application(hadoop, application_id)["state"] == "RUNNING"
