"""On a cluster with Kerberos and the fair scheduler, servers start, or their users are told why
not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hadoop.hub import CONFIGURED_BY_STARTS, Hub
from tests.kerberos.test_rpc import run
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER, Security

pytestmark = pytest.mark.heavy

ALLOCATIONS = f"""
<allocations>
  <queue name="root">
    <aclSubmitApps> </aclSubmitApps>
    <aclAdministerApps> </aclAdministerApps>
    <queue name="research">
      <aclSubmitApps>alice,{HUB_USER}</aclSubmitApps>
    </queue>
    <queue name="small">
      <aclSubmitApps>alice,bob</aclSubmitApps>
      <maxContainerAllocation>300 mb,1 vcores</maxContainerAllocation>
    </queue>
  </queue>
  <queuePlacementPolicy>
    <rule name="specified" create="false"/>
    <rule name="reject"/>
  </queuePlacementPolicy>
</allocations>
"""

FAIR = {
    "yarn.resourcemanager.scheduler.class": "org.apache.hadoop.yarn.server.resourcemanager."
    "scheduler.fair.FairScheduler"
}


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniHadoop]:
    allocations = tmp_path_factory.mktemp("fair") / "fair-scheduler.xml"
    allocations.write_text(ALLOCATIONS)
    site = FAIR | {"yarn.scheduler.fair.allocation.file": str(allocations)}
    with MiniHadoop(datanodes=1, security=Security(), yarn=site) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def hub(fair: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    principal, keytab = fair.login(HUB_USER)
    login = f"c.YarnSpawner.principal = {principal!r}\nc.YarnSpawner.keytab = {str(keytab)!r}\n"
    hub = Hub(tmp_path_factory.mktemp("hub"), fair.env(), login + CONFIGURED_BY_STARTS)
    hub.start()
    try:
        yield hub
        hub.stop_servers()
    finally:
        hub.stop()


def start(hub: Hub, user: str, queue: str, more: str = "") -> dict[str, object]:
    """Start a server in a queue; return the last event of its progress."""
    options = {"config": f"c.YarnSpawner.queue = {queue!r}\n{more}"}
    return hub.request_server(user, "", options)[-1]


@pytest.mark.parametrize("queue", ["research", "root.research"])
def test_a_server_starts_in_a_queue_by_its_name_or_path(hub: Hub, queue: str) -> None:
    assert start(hub, "alice", queue).get("ready"), hub.log()
    hub.stop_server("alice")


@pytest.mark.parametrize(
    ("user", "queue", "more", "sentence"),
    [
        ("bob", "research", "", "bob may not submit to queue root.research"),
        ("bob", "nope", "", "a placement rule of YARN rejects it for bob"),
        ("bob", "small", "c.YarnSpawner.mem_limit = '1G'", "GiB of memory"),
    ],
)
def test_a_refusal_of_the_scheduler_is_explained(
    hub: Hub, user: str, queue: str, more: str, sentence: str
) -> None:
    event = start(hub, user, queue, more)
    assert event.get("failed"), event
    assert "YARN rejected the submission: " in str(event["message"])
    assert sentence in str(event["message"])


def test_the_check_sees_the_queue_and_who_may_submit_to_it(fair: MiniHadoop, tmp_path: Path):
    config = tmp_path / "jupyterhub_config.py"
    groups = ("rm", "queues", "proxyuser", "hdfs", "homes")
    verdicts = {}
    for user in ("alice", "bob"):
        config.write_text("c.YarnSpawner.queue = 'root.research'\n")
        options = ("-f", str(config), "--user", user, "--json")
        done = run(fair, "-m", "yarnhub", "check", *groups, *options)
        verdicts[user] = {each["group"]: each["verdict"] for each in json.loads(done.stdout)}
    assert set(verdicts["alice"].values()) == {"ok"}
    # No failure: the fair scheduler's placement rules may choose another queue.
    assert verdicts["bob"] == verdicts["alice"] | {"queues": "warning"}
