"""`yarnhub status`: counts of YARN's reports, on a narrow screen too."""

from __future__ import annotations

import pytest

from hadoop_client.yarn.records import ApplicationState, NodeState, Resource
from hadoop_client.yarn.reports import (
    ApplicationReport,
    NodeReport,
    QueueInfo,
    QueueStatistics,
    ResourceUsage,
)
from yarnhub.status import NO_CONFIG, _print, summarize
from yarnspawner.container.scheduler import FULL_BYTES
from yarnspawner.tags import APPLICATION_TYPE

SERVERS = [
    ApplicationReport(
        user="alice",
        state=ApplicationState.RUNNING,
        type=APPLICATION_TYPE,
        progress=(512 << 20) / FULL_BYTES,
        resource_usage=ResourceUsage(Resource(memory_mb=2048)),
    ),
    ApplicationReport(user="alice", state=ApplicationState.ACCEPTED, type=APPLICATION_TYPE),
    ApplicationReport(
        user="bob",
        state=ApplicationState.RUNNING,
        type="skein",
        progress=0.0001,
        resource_usage=ResourceUsage(Resource(memory_mb=1024)),
    ),
]
NODES = [
    NodeReport(
        state=NodeState.RUNNING, used=Resource(memory_mb=1024), capability=Resource(memory_mb=4096)
    ),
    NodeReport(state=NodeState.LOST, capability=Resource(memory_mb=4096)),
]
QUEUES = [
    QueueInfo(
        "default",
        statistics=QueueStatistics(
            apps_running=2, apps_pending=1, available_memory_mb=102, allocated_memory_mb=2970
        ),
    ),
    QueueInfo("\x1b[2Jodd"),
]


def test_servers_nodes_and_queues_are_counted():
    seen = summarize(NO_CONFIG, SERVERS, NODES, QUEUES)
    assert (seen.servers, seen.users) == ({"running": 2, "accepted": 1}, 2)
    assert (seen.nodes, seen.used_mb, seen.total_mb) == ({"running": 1, "lost": 1}, 1024, 4096)
    assert (seen.servers_used_mb, seen.servers_granted_mb) == (512, 2048), "of who reports it"
    first, second = seen.queues
    assert (first.used_mb, first.total_mb, first.running, first.waiting) == (2970, 3072, 2, 1)
    assert (second.used_mb, second.total_mb) == (0, 0)


@pytest.mark.parametrize("columns", ["60", "120"])
def test_all_is_on_one_screen(columns: str, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    _print(
        summarize("answers at http://edge:8081/hub/api: JupyterHub 6.1.1", SERVERS, NODES, QUEUES)
    )
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    assert "3 (2 running, 1 accepted), 2 users, 0.5 of their 2.0 GiB in use" in words
    assert "2 (1 running, 1 lost), 1.0 of 4.0 GiB granted" in shown
    assert "2.9 of 3.0 GiB" in shown
    assert "\x1b" not in shown
    assert len(shown.splitlines()) <= 9


def test_an_idle_cluster_is_shown_too(capsys):
    _print(summarize(NO_CONFIG, [], [], []))
    shown = capsys.readouterr().out
    assert "Servers" in shown
    assert "0.0 of 0.0 GiB" in shown
    assert "their" not in shown
