"""Pairs of ResourceManagers and NameNodes: clients, servers and hubs go on when the other one takes
over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import Login
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_CLUSTER_METRICS,
    GetClusterMetricsRequest,
)
from tests.hadoop.hdfs_files import open_anew
from tests.hadoop.hub import LIGHT_SERVER, Hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import HOST
from yarnhub.minihadoop.rest import get_json


@pytest.fixture(scope="module")
def pair() -> Iterator[MiniHadoop]:
    with MiniHadoop(ha=True, datanodes=1) as cluster:
        yield cluster


@pytest.fixture
def hub(pair: MiniHadoop, tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path, pair.env(), "c.JupyterHub.cleanup_servers = True\n")
    hub.start()
    yield hub
    hub.stop()


def test_a_client_finds_the_active_one(pair: MiniHadoop):
    async def nodes() -> int:
        addresses = Configuration.load(pair.conf_dir).resourcemanager_addresses()
        assert len(addresses) == 2
        client = AsyncClient(addresses, APPLICATION_CLIENT_PROTOCOL, Login(user="alice"))
        try:
            answer = await client.call(GET_CLUSTER_METRICS, GetClusterMetricsRequest())
            return answer.cluster_metrics.node_managers
        finally:
            await client.close()

    for index in (1, 0):
        pair.make_active(index)
        assert asyncio.run(nodes()) >= 0


def test_a_server_outlives_the_change_and_its_hub_goes_on(
    pair: MiniHadoop, hub: Hub, wait_until: Callable[..., Any]
):
    pair.make_active(0)
    pair.wait_ready()
    application_id = hub.start_server("alice")
    pair.resourcemanagers[0].kill()
    try:
        pair.make_active(1)
        assert hub.get("/user/alice/api").is_success
        wait_until(lambda: nodes(pair) and has_asked(hub, pair, 1), 60, "nodes, and its hub")
        hub.start_server("bob")
        assert hub.application_of("alice") == application_id
        assert hub.get("/user/alice/api").is_success
        hub.stop_server("alice")
        hub.stop_server("bob")
    finally:
        pair.resourcemanagers[0].start()
        pair.resourcemanagers[0].wait_ready(240)


def nodes(pair: MiniHadoop) -> int:
    """How many nodes the second ResourceManager has running."""
    port = pair.state.ports.of_resourcemanager(1).http
    metrics = get_json(f"http://{HOST}:{port}/ws/v1/cluster/metrics").get("clusterMetrics", {})
    return int(metrics.get("activeNodes", 0))


def has_asked(hub: Hub, pair: MiniHadoop, index: int) -> bool:
    """Whether the ResourceManager with this index has told the hub of its applications."""
    address = f"{HOST}:{pair.state.ports.of_resourcemanager(index).client}"
    answers = (line for line in hub.log().splitlines() if '"getApplications"' in line)
    return any(address in line and '"outcome": "ok"' in line for line in answers)


def test_a_start_goes_on_with_the_other_one(
    pair: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    pair.make_active(0)
    pair.wait_ready()
    begun, go, program = tmp_path / "begun", tmp_path / "go", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {begun}\nexec {LIGHT_SERVER} wait {go}\n")
    program.chmod(0o755)
    (tmp_path / "hub").mkdir()
    hub = Hub(
        tmp_path / "hub",
        pair.env(),
        f"c.YarnSpawner.cmd = [{str(program)!r}]\nc.JupyterHub.cleanup_servers = True\n",
    )
    hub.start()
    try:
        hub.api("POST", "users/alice")
        hub.api("POST", "users/alice/server")
        # Before that an application may be lost in the change, in YARN itself: the next one waits
        # for the application master that this one has not launched.
        wait_until(begun.exists, 60, "the application master")
        pair.make_active(1)
        go.touch()
        assert hub.follow_progress("alice")[-1].get("ready")
        assert hub.get("/user/alice/api").is_success
    finally:
        hub.stop()


def test_what_a_server_is_started_with_comes_from_the_namenode_that_is_active(
    pair: MiniHadoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A file of HDFS by the name of the pair: its hub and its nodes find who answers for that."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(pair.conf_dir))
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    assert pair.default_fs == "hdfs://minihadoop"
    pair.make_active(0)
    pair.make_namenode_active(1)
    try:
        with open_anew(open_filesystem(), "/tmp/greeting") as file:
            file.write(b"from the second one")
        (tmp_path / "hub").mkdir()
        hub = Hub(
            tmp_path / "hub",
            pair.env(),
            'c.YarnSpawner.localize_files = {"greeting": "hdfs:///tmp/greeting"}\n'
            "c.YarnSpawner.prologue = 'export GREETING=\"$(cat greeting)\"'\n"
            "c.JupyterHub.cleanup_servers = True\n",
        )
        hub.start()
        try:
            hub.start_server("alice")
            environment = hub.get("/user/alice/environment").json()["environment"]
            assert environment["GREETING"] == "from the second one"
        finally:
            hub.stop()
    finally:
        pair.make_namenode_active(0)
