"""More starts than there is room for: none hangs, and none leaves anything behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.hadoop.yarn_rest import running_applications
from yarnhub.minihadoop import MiniHadoop

STARTS = 200
HALF_A_NODE_AND_MORE = """
c.YarnSpawner.mem_limit = "5000M"
import os
def hurry(spawner):
    spawner.start_timeout = 240 if spawner.name != "late" or os.path.exists("room") else 15
c.Spawner.pre_spawn_hook = hurry
"""


def test_a_start_that_is_queued_for_too_long_is_told_and_leaves_nothing(
    make_hub: Any, hadoop: MiniHadoop
):
    hub = make_hub(HALF_A_NODE_AND_MORE)
    filling = {hub.start_server("alice", name) for name in ("one", "two")}  # one on each node
    events = hub.request_server("alice", "late")
    assert events[-1].get("failed"), events
    assert "not ready within 15 seconds: it is waiting in queue default" in events[-1]["message"]
    assert {running["id"] for running in running_applications(hadoop)} == filling
    hub.stop_server("alice", "one")
    (hub.folder / "room").touch()  # there is no hurry any more
    hub.start_server("alice", "late")


@pytest.mark.heavy
def test_very_many_starts_at_once_are_ready_or_told_to_come_later(
    make_hub: Any, hadoop: MiniHadoop
):
    hub = make_hub(
        "c.JupyterHub.concurrent_spawn_limit = 10\n"
        "c.YarnSpawner.mem_limit = '64M'\n"
        "c.YarnSpawner.start_timeout = 300\n"
    )
    hub.api("POST", "users/alice")

    def ask(name: str) -> int | None:
        refusal = hub.api("POST", f"users/alice/servers/{name}", ok=False)
        return refusal["status"] if refusal else None

    names = [f"server{number}" for number in range(STARTS)]
    with ThreadPoolExecutor(STARTS) as people:
        answers = dict(zip(names, people.map(ask, names), strict=True))
    assert set(answers.values()) <= {None, 429}
    accepted = [name for name, refused in answers.items() if not refused]
    ends = [hub.follow_progress("alice", name)[-1] for name in accepted]
    ready = [end for end in ends if end.get("ready")]
    later = [end for end in ends if "Try again in a minute." in end["message"]]
    assert len(ready) + len(later) == len(accepted), ends
    assert len(running_applications(hadoop)) == len(ready) >= 10
