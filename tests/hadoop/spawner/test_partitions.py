"""Queues, node labels, GPUs and priorities: a server gets them, or its user is told why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.hadoop.administration import reconfigure, rmadmin
from tests.hadoop.hub import Hub, Person
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import node_host
from yarnhub.minihadoop.settings import superuser

GPU = "yarn.io/gpu"
SITE = {
    "yarn.node-labels.enabled": "true",
    "yarn.node-labels.fs-store.root-dir": "file://${hadoop.tmp.dir}/node-labels",
    "yarn.resource-types": GPU,
    f"yarn.nodemanager.resource-type.{GPU}": "2",
    "yarn.cluster.max-application-priority": "10",
    "yarn.acl.enable": "true",
    "yarn.admin.acl": f"{superuser()},dr.who",  # who asks over REST without a name
}
QUEUES = {
    "root.queues": "default,research,closed,few,bobs",
    # Whoever may submit to it, or administer it, may so below it; by default everybody may both.
    "root.acl_submit_applications": " ",
    "root.acl_administer_queue": " ",
    "root.default.acl_submit_applications": "*",
    "root.research.acl_submit_applications": "*",
    "root.closed.acl_submit_applications": "*",
    "root.default.capacity": "60",
    "root.bobs.capacity": "10",
    "root.bobs.acl_submit_applications": "bob",
    "root.accessible-node-labels": "fast",
    "root.accessible-node-labels.fast.capacity": "100",
    "root.default.accessible-node-labels": "fast",
    "root.default.accessible-node-labels.fast.capacity": "100",
    "root.default.maximum-application-lifetime": "600",
    "root.research.accessible-node-labels": " ",
    "root.closed.capacity": "0",
    "root.closed.state": "STOPPED",
    "root.few.acl_submit_applications": "*",
    "root.few.capacity": "0",
    "root.few.maximum-applications": "0",
}


@pytest.fixture(scope="module")
def hadoop() -> Iterator[MiniHadoop]:
    """A cluster with GPUs on its nodes, the second of which is labelled; and more queues."""
    with MiniHadoop(nodemanagers=2, datanodes=1, yarn=SITE) as cluster:
        rmadmin(cluster, "-addToClusterNodeLabels", "fast(exclusive=true)")
        rmadmin(cluster, "-replaceLabelsOnNode", f"{node_host(1)}=fast")
        scheduler = {f"yarn.scheduler.capacity.{name}": each for name, each in QUEUES.items()}
        reconfigure(cluster, "capacity-scheduler.xml", scheduler, "-refreshQueues")
        yield cluster


def node_of(hadoop: MiniHadoop, application_id: str) -> str:
    """Return the address of the node that runs a server."""
    return str(application(hadoop, application_id)["amHostHttpAddress"].partition(":")[0])


def test_a_server_runs_on_a_node_with_its_label_with_its_gpus_and_its_priority(
    hub: Hub, hadoop: MiniHadoop
):
    application_id = hub.start_server(
        "alice",
        config="c.YarnSpawner.node_label = 'fast'\n"
        "c.YarnSpawner.gpus = 2\n"
        "c.YarnSpawner.priority = 3\n"
        "c.YarnSpawner.lifetime = 3600\n"
        "c.YarnSpawner.max_lifetime = 7200\n",
    )
    seen = application(hadoop, application_id)
    assert seen["appNodeLabelExpression"] == "fast"
    assert seen["priority"] == 3
    assert node_of(hadoop, application_id) == node_host(1)
    (timeout,) = seen["timeouts"]["timeout"]
    assert timeout["remainingTimeInSeconds"] <= 600, "the queue has the last word"
    lifetime = hub.api("POST", "users/alice/server/lifetime")
    assert lifetime["latest_ms"] == lifetime["ends_ms"] <= seen["startedTime"] + 601_000
    assert hub.api("POST", "users/alice/server/lifetime")["ends_ms"] == lifetime["ends_ms"]
    nodes = httpx.get(
        f"{hadoop.resourcemanager_url}/ws/v1/cluster/nodes", trust_env=False, timeout=60
    ).json()
    used = {
        node["nodeHostName"]: amount["value"]
        for node in nodes["nodes"]["node"]
        for amount in node["usedResource"]["resourceInformations"]["resourceInformation"]
        if amount["name"] == GPU
    }
    assert used[node_host(1)] == 2
    assert sum(used.values()) == 2


def test_a_server_without_a_label_keeps_away_from_labelled_nodes(hub: Hub, hadoop: MiniHadoop):
    assert node_of(hadoop, hub.start_server("alice")) != node_host(1)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("c.YarnSpawner.queue = 'closed'", "queue root.closed is stopped"),
        ("c.YarnSpawner.queue = 'bobs'", "alice may not submit to queue bobs"),
        ("c.YarnSpawner.queue = 'few'", "queue root.few has 0 applications and accepts no more"),
        (
            "c.YarnSpawner.node_label = 'slow'",
            "queue default has no access to nodes with the label slow",
        ),
        (
            "c.YarnSpawner.queue = 'research'; c.YarnSpawner.node_label = 'fast'",
            "queue research has no access to nodes with the label fast",
        ),
        ("c.YarnSpawner.gpus = 3", "at most 2 GPUs"),
    ],
)
def test_what_is_not_to_be_had_is_told_and_leaves_nothing(
    hub: Hub, hadoop: MiniHadoop, config: str, said: str
):
    message = hub.refuse_server("alice", config)
    assert said in message
    for word in ("Exception", "Traceback", "\tat ", "Application rejected"):
        assert word not in message, message
    assert running_applications(hadoop) == []


def test_the_form_tells_that_a_queue_is_closed_and_its_refusal_does_not_stick(
    make_hub: Any, wait_until: Callable[..., Any]
):
    hub = make_hub(
        "c.YarnSpawner.profiles = [{'name': 'any', 'display_name': 'Any',\n"
        "    'queue': {'choices': ['default', 'closed']},\n"
        "    'node_label': {'choices': ['', 'fast', 'slow']}, 'gpus': {'max': 8}},\n"
        "    {'name': 'slow', 'node_label': 'slow'}]\n"
    )
    alice = Person(hub, "alice")
    page = wait_until(
        lambda: alice.form_with_room("alice"), 60, "the form to show what the queues have left"
    )
    assert "closed (closed)" in page
    page = wait_until(
        lambda: offered if "0 to 2" in (offered := alice.form_with_room("alice")) else "",
        60,
        "the form to know the cluster's GPUs",
    )
    assert '<option value="fast">' in page
    assert '<option value="slow">' not in page
    assert "This cluster has no node label slow." in page
    events = hub.request_server("alice", options={"profile": "any", "queue": "closed"})
    assert "is stopped" in events[-1]["message"]
    assert hub.start_server("alice")
