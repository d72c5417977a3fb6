"""A server that uses more memory than its container has: YARN ends it, and the reason is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.hadoop.hub import LIGHT_SERVER, Hub
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop

#: The tests' servers have 256.
MORE_MIB = 800


def test_a_server_that_uses_too_much_memory_is_ended_with_the_reason(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice")
    assert hub.get(f"/user/alice/memory/{MORE_MIB}").is_success
    wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 60, "the server's end")
    assert "'PHYSICAL' memory limit" in application(hadoop, application_id)["diagnostics"]
    assert "more memory than" in hub.log().partition(f"({application_id}) has ended")[2]


def test_a_start_that_uses_too_much_memory_tells_so_and_leaves_nothing(
    hub: Hub, hadoop: MiniHadoop
):
    eats = f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'eat', '{MORE_MIB}']\n"
    message = hub.refuse_server("alice", eats)
    assert "more memory than" in message
    assert "Exception" not in message
    assert running_applications(hadoop) == []
