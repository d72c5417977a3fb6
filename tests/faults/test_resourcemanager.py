"""A ResourceManager that dies or hangs: what runs or starts goes on, and the hub works on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.containers import processes_of
from tests.hadoop.hub import LIGHT_SERVER, Hub
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop

TELL_OF_POLLS = """
from yarnspawner.launcher.direct import DirectLauncher
ask = DirectLauncher.list_applications
async def tell_and_ask(*args):
    print("A poll begins", flush=True)
    try:
        return await ask(*args)
    finally:
        print("A poll ends", flush=True)
DirectLauncher.list_applications = tell_and_ask
"""

#: A fraction of what a hub answers while one of its calls to YARN waits, also on a busy machine.
REQUESTS = 5


def test_a_start_goes_on_after_the_resourcemanager_was_killed(
    hub: Hub, hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    go = tmp_path / "go"
    hub.ask_for_server(
        "alice",
        f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'wait', {str(go)!r}]\n"
        "c.YarnSpawner.start_timeout = 600\n",
    )
    (pending,) = wait_until(lambda: running_applications(hadoop), 30, "the application")
    # A ResourceManager that is killed before the node has the container waits ten minutes for it.
    wait_until(lambda: processes_of(pending["id"]), 30, "the container")
    hadoop.resourcemanager.kill()
    try:
        wait_until(lambda: "is unknown for now" in hub.log(), 60, "the hub to miss YARN")
    finally:
        hadoop.resourcemanager.start()
        hadoop.wait_ready()
    go.touch()
    events = hub.follow_progress("alice")
    assert events[-1].get("ready"), events
    (running,) = running_applications(hadoop)
    assert running["id"] == pending["id"]


def test_a_resourcemanager_that_hangs_ends_no_server_and_holds_up_no_request(
    make_hub: Any, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    hub = make_hub(TELL_OF_POLLS)
    application_id = hub.start_server("alice")

    def a_poll_waits() -> bool:
        log = hub.log()
        return log.rfind("A poll begins") > log.rfind("A poll ends")

    def a_poll_has_failed() -> bool:
        return "is unknown for now" in hub.log()

    # Not for longer than it takes to end one poll: it would then think that its nodes are lost.
    hadoop.resourcemanager.suspend()
    try:
        wait_until(a_poll_waits, 30, "a poll")
        for _ in range(REQUESTS):
            hub.api("GET", "users/alice")
        assert not a_poll_has_failed(), "requests had to wait for the end of a poll"
        wait_until(a_poll_has_failed, 60, "the end of a poll")
        assert hub.get("/user/alice/api").is_success
    finally:
        hadoop.resourcemanager.resume()
    wait_until(
        lambda: application(hadoop, application_id)["state"] == "RUNNING", 60, "YARN's answer"
    )
    assert hub.application_of("alice") == application_id
    hub.stop_server("alice")
