"""A node that is lost, with the server on it: nothing is left behind, and the reason is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.containers import processes_of
from tests.hadoop.hub import LIGHT_SERVER, Hub
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop


def test_a_server_whose_node_is_lost_has_ended_and_can_be_started_again(
    hub: Hub,
    hadoop: MiniHadoop,
    wait_until: Callable[..., Any],
    node_of: Callable[..., Any],
):
    application_id = hub.start_server("alice")
    assert processes_of(application_id)
    node = node_of(application_id)
    node.kill()
    try:
        wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 120, "the server's end")
        assert application(hadoop, application_id)["state"] == "FAILED"
        assert "lost" in hub.log().partition(f"({application_id}) has ended")[2]
        # Nobody on that node ends the container: its application master has to notice by itself.
        wait_until(lambda: not processes_of(application_id), 90, "the end of its processes")
        hub.start_server("alice")  # on the other node
        assert hub.get("/user/alice/api").is_success
    finally:
        node.start()
        hadoop.wait_ready()


@pytest.mark.heavy
def test_a_start_whose_node_is_lost_fails_with_the_reason_and_leaves_nothing(
    make_hub: Any,
    hadoop: MiniHadoop,
    tmp_path: Path,
    wait_until: Callable[..., Any],
    node_of: Callable[..., Any],
):
    go = tmp_path / "go"
    hub = make_hub(
        f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'wait', {str(go)!r}]\n"
        "c.YarnSpawner.start_timeout = 600\n"
    )
    hub.api("POST", "users/alice")
    hub.api("POST", "users/alice/server")
    (pending,) = wait_until(lambda: running_applications(hadoop), 30, "the application")
    wait_until(lambda: processes_of(pending["id"]), 30, "the container")
    node = node_of(pending["id"])
    node.kill()
    try:
        events = hub.follow_progress("alice")
        assert events[-1].get("failed"), events
        assert "node" in events[-1]["message"]
        assert "lost" in events[-1]["message"]
        assert running_applications(hadoop) == []
        go.touch()  # what is left on the node registers now, and is refused
        wait_until(lambda: not processes_of(pending["id"]), 90, "the end of its processes")
    finally:
        node.start()
        hadoop.wait_ready()
