"""A hub that is killed at any moment of a start loses nothing and leaves nothing behind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.injector import POINTS
from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import running_applications
from yarnhub.minihadoop import MiniHadoop

ROOT = Path(__file__).parents[2]
HUB_CONFIG = "c.YarnSpawner.reconcile_interval = 1\n"


# One on each side of the submit, and one when the container is there; all of them are heavy.
ALWAYS = {
    "after asking for an application id",
    "after submitting",
    "after asking for the container",
}


@pytest.mark.parametrize(
    "point",
    [
        point if point in ALWAYS else pytest.param(point, marks=pytest.mark.heavy)
        for point in POINTS
    ],
)
def test_after_its_restart_the_application_is_adopted_or_ended(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any], point: str
):
    hub.api("POST", "users/alice")
    hub.stop_process()
    healthy = hub.config.read_text()
    hub.config.write_text(
        healthy
        + f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        + f"from tests.faults.injector import die\ndie({point!r})\n"
    )
    hub.start()
    # It dies before it answers, or after that; the proxy may live to say so.
    with contextlib.suppress(httpx.TransportError, AssertionError):
        hub.api("POST", "users/alice/server")
    wait_until(hub.is_dead, 60, f"the hub's end {point}")
    hub.config.write_text(healthy)
    hub.start()

    def settled() -> bool:
        server = hub.api("GET", "users/alice")["servers"].get("", {})
        return not server.get("pending") and bool(server.get("ready")) == bool(
            running_applications(hadoop)
        )

    wait_until(settled, 45, "the application to be adopted or ended")
    assert len(running_applications(hadoop)) <= 1
    if not running_applications(hadoop):
        hub.start_server("alice")
    wait_until(lambda: hub.get("/user/alice/api").is_success, 30, "the way to the server")
    assert len(running_applications(hadoop)) == 1
