"""The configuration of an embedded Hadoop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from yarnhub.minihadoop.configuration import cluster_site, daemon_sites
from yarnhub.minihadoop.errors import SettingsError
from yarnhub.minihadoop.ports import Ports, node_host
from yarnhub.minihadoop.settings import ClusterSettings, superuser

STATE = Path("/state")
PORTS = Ports(20_000)
SITE = cluster_site(ClusterSettings(), PORTS, STATE)


def test_clients_and_daemons_write_the_namenode_in_the_same_form():
    assert SITE.core["fs.defaultFS"] == "hdfs://127.0.0.1:20000"
    assert SITE.hdfs["dfs.namenode.http-address"].startswith("127.0.0.1:")


def test_the_hub_may_impersonate_the_users_from_its_own_host_only():
    site = cluster_site(ClusterSettings(users=("ann", "ben")), PORTS, STATE)
    assert site.core["hadoop.proxyuser.jupyterhub.hosts"] == "127.0.0.1"
    assert site.core["hadoop.proxyuser.jupyterhub.groups"] == "people"
    groups = site.core["hadoop.user.group.static.mapping.overrides"].split(";")
    assert [user for user in groups if user.endswith("=people")] == ["ann=people", "ben=people"]


@pytest.mark.parametrize(("datanodes", "replication"), [(1, "1"), (2, "2"), (3, "3"), (5, "3")])
def test_files_have_as_many_replicas_as_there_are_datanodes_and_at_most_three(
    datanodes, replication
):
    site = cluster_site(ClusterSettings(datanodes=datanodes), PORTS, STATE)
    assert site.hdfs["dfs.replication"] == replication
    assert site.hdfs["dfs.namenode.redundancy.considerLoad"] == "false"  # else there may be fewer
    waits_for_reports = "dfs.namenode.file.close.num-committed-allowed" not in site.hdfs
    assert waits_for_reports is (datanodes >= 3)


def test_the_queues_share_all_of_the_cluster():
    scheduler = SITE.scheduler
    queues = scheduler["yarn.scheduler.capacity.root.queues"].split(",")
    shares = [float(scheduler[f"yarn.scheduler.capacity.root.{q}.capacity"]) for q in queues]
    assert "default" in queues
    assert len(queues) == 2
    assert sum(shares) == 100


def test_a_container_can_be_as_large_as_a_node():
    site = cluster_site(ClusterSettings(memory_mb=2048, vcores=3), PORTS, STATE)
    assert site.yarn["yarn.scheduler.maximum-allocation-mb"] == "2048"
    assert site.yarn["yarn.nodemanager.resource.memory-mb"] == "2048"
    assert site.yarn["yarn.scheduler.maximum-allocation-vcores"] == "3"


def test_daemons_of_a_kind_share_neither_directories_nor_addresses():
    sites = daemon_sites(ClusterSettings(nodemanagers=3, datanodes=3), PORTS, STATE)
    for kind in ("nodemanager", "datanode"):
        own = [sites[f"{kind}{i}"] for i in (1, 2, 3)]
        for name in set(own[0].hdfs | own[0].yarn) - set(SITE.hdfs | SITE.yarn):
            values = {(site.hdfs | site.yarn)[name] for site in own}
            shared = name in ("dfs.datanode.hostname",)
            assert len(values) == (1 if shared else 3), name


def test_every_daemon_has_its_own_ports_all_in_one_block():
    addresses = PORTS.all(datanodes=5, nodemanagers=4)
    assert len(set(addresses)) == len(addresses)
    assert all(20_000 <= port < 20_034 for _, port in addresses)
    sites = daemon_sites(ClusterSettings(nodemanagers=4, datanodes=5, ha=True), PORTS, STATE)
    used = {
        value
        for site in sites.values()
        for name, value in (site.hdfs | site.yarn).items()
        if re.search(r"address(\.\w+)*$", name)
    }
    assert used | {f"127.0.0.1:{PORTS.kdc}"} == {f"{host}:{port}" for host, port in addresses}


def test_only_daemons_use_our_classes():
    sites = daemon_sites(ClusterSettings(), PORTS, STATE)
    assert not any("yarnhub.minihadoop" in value for value in SITE.core.values())
    assert all("yarnhub.minihadoop" in site.core["fs.file.impl"] for site in sites.values())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"nodemanagers": 0}, "NodeManagers"),
        ({"nodemanagers": 251}, "NodeManagers"),
        ({"datanodes": 0}, "DataNodes"),
        ({"datanodes": 6}, "DataNodes"),
        ({"users": ("ann", "")}, "is not a valid user name"),
        ({"users": ("ann;ben=wheel",)}, "is not a valid user name"),
        ({"users": ("../etc",)}, "is not a valid user name"),
        ({"users": ("jupyterhub",)}, "an account of the cluster itself"),
        ({"users": (superuser(),)}, "an account of the cluster itself"),
    ],
)
def test_an_impossible_cluster_is_refused(settings, problem):
    with pytest.raises(SettingsError, match=problem):
        ClusterSettings(**settings)


def test_nodes_have_different_addresses():
    assert [node_host(i) for i in range(3)] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
