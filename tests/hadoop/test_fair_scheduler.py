"""Servers under the FairScheduler with placement rules, as CDH and other sites have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hadoop.hub import CONFIGURED_BY_STARTS, Hub
from tests.hadoop.yarn_rest import application
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

pytestmark = pytest.mark.heavy

FAIR = "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fair.FairScheduler"
ALLOCATIONS = """<?xml version="1.0"?>
<allocations>
  <queue name="root"><aclSubmitApps> </aclSubmitApps><aclAdministerApps> </aclAdministerApps>
    <queue name="default"><aclSubmitApps>*</aclSubmitApps></queue>
    <queue name="research"><aclSubmitApps>bob</aclSubmitApps></queue>
    <queue name="users" type="parent"><aclSubmitApps>*</aclSubmitApps></queue>
  </queue>
  <queuePlacementPolicy>
    <rule name="specified" create="false"/>
    <rule name="nestedUserQueue"><rule name="default" queue="users"/></rule>
  </queuePlacementPolicy>
</allocations>
"""


@pytest.fixture(scope="module")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniHadoop]:
    file = tmp_path_factory.mktemp("fair") / "fair-scheduler.xml"
    file.write_text(ALLOCATIONS)
    properties = {
        "yarn.resourcemanager.scheduler.class": FAIR,
        "yarn.scheduler.fair.allocation.file": str(file),
        "yarn.acl.enable": "true",
        "yarn.admin.acl": "root",
    }
    with MiniHadoop(datanodes=1, memory_mb=2048, yarn=properties) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def hub(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub"), hadoop.env(), CONFIGURED_BY_STARTS)
    hub.start()
    yield hub
    hub.stop_servers()
    hub.stop()


@pytest.mark.parametrize(
    ("queue", "real"),
    [
        ("default", "root.users.alice"),
        ("", "root.users.alice"),
        ("root.default", "root.default"),
        ("root.users.{username}", "root.users.alice"),
    ],
)
def test_a_server_starts_where_the_rules_put_it(
    queue: str, real: str, hub: Hub, hadoop: MiniHadoop
) -> None:
    application_id = hub.start_server("alice", config=f"c.YarnSpawner.queue = {queue!r}\n")
    assert application(hadoop, application_id)["queue"] == real
    hub.stop_server("alice")


def test_a_queue_that_is_closed_to_the_user_is_refused_by_name(hub: Hub) -> None:
    page = hub.refuse_server("alice", "c.YarnSpawner.queue = 'root.research'\n")
    assert "alice may not submit to queue" in page
    assert "research" in page


@pytest.mark.parametrize(
    ("queue", "verdict"),
    [("default", "ok"), ("root.default", "ok"), ("research", "warning"), ("no-such", "warning")],
)
def test_the_check_knows_its_queues(
    queue: str, verdict: str, hadoop: MiniHadoop, tmp_path: Path
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(f"c = get_config()\nc.YarnSpawner.queue = {queue!r}\n")
    command = ["check", "queues", "--user", "alice", "--config", str(config), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "yarnhub", *command],
        env={**os.environ, **hadoop.env(), "HADOOP_USER_NAME": HUB_USER},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert [result["verdict"] for result in json.loads(done.stdout)] == [verdict], done.stdout
