"""The launcher skein on a cluster with Kerberos: its driver logs in by the hub's keytab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hadoop_client.security.delegation import identity_of
from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import application
from tests.kerberos.test_servers import (
    NOTEBOOKS,
    browser_of,
    load,
    owner_of,
    save,
    tokens_of,
)
from yarnhub.minihadoop import MiniHadoop

pytestmark = pytest.mark.heavy

# The realm of this cluster is not this machine's.
SKEIN = """
import os
os.environ["JAVA_TOOL_OPTIONS"] = os.environ["HADOOP_OPTS"]
c.YarnSpawner.launcher = "skein"
"""


async def test_a_server_runs_as_its_user_and_gets_new_tokens(
    make_secure_hub: Callable[..., Hub], hadoop: MiniHadoop, wait_until: Any
):
    hub = make_secure_hub(NOTEBOOKS + SKEIN)
    async with browser_of(hub, "alice") as browser:
        running = application(hadoop, hub.application_of("alice"))
        assert (running["user"], running["applicationType"]) == ("alice", "skein")
        await save(browser, "by skein")
        assert await load(browser) == "by skein"
        first = tokens_of(hadoop, running["id"])
        wait_until(lambda: tokens_of(hadoop, running["id"]) != first, 60, "new tokens")
        await save(browser, "with new ones")
        assert await load(browser) == "with new ones"
    assert owner_of(hadoop, "/user/alice/notebooks/a.txt") == "alice"
    assert {identity_of(token).owner for token in first.values()} == {"alice"}
