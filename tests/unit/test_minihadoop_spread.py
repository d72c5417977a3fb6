"""A cluster that is spread over hosts: what its daemons are told, and docker-compose.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from yarnhub.minihadoop.configuration import ClusterSettings, cluster_site, daemon_sites
from yarnhub.minihadoop.errors import BadSettings
from yarnhub.minihadoop.spread import PORTS, daemon_of, settings_from

ROOT = Path(__file__).parents[2]
SETTINGS = ClusterSettings(nodemanagers=2, datanodes=3)
DAEMONS = {
    "namenode": ("namenode", 0),
    "datanode1": ("datanode", 0),
    "datanode2": ("datanode", 1),
    "datanode3": ("datanode", 2),
    "resourcemanager": ("resourcemanager", 0),
    "nodemanager1": ("nodemanager", 0),
    "nodemanager2": ("nodemanager", 1),
}


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_nothing_is_told_to_be_on_the_machine_that_reads_it():
    for name, site in daemon_sites(SETTINGS, PORTS, Path("/state")).items():
        for properties in site.files().values():
            assert not [value for value in properties.values() if "127.0.0" in value], name


def test_each_daemon_is_on_the_host_that_is_called_as_it_is():
    sites = daemon_sites(SETTINGS, PORTS, Path("/state"))
    assert set(sites) == set(DAEMONS)
    for name, site in sites.items():
        assert site.core["fs.defaultFS"] == "hdfs://namenode:9000"
        assert site.yarn["yarn.resourcemanager.hostname"] == "resourcemanager"
        if "datanode" in name:
            assert site.hdfs["dfs.datanode.address"].startswith(f"{name}:")
        if "nodemanager" in name:
            assert site.yarn["yarn.nodemanager.address"].startswith(f"{name}:")


def test_the_hub_may_act_for_people_only_wherever_it_is():
    core = cluster_site(SETTINGS, PORTS, Path("/state")).core
    assert core["hadoop.proxyuser.jupyterhub.groups"] == "people"


def test_a_host_becomes_the_daemon_that_it_is_called_as():
    assert {name: daemon_of(name, SETTINGS) for name in DAEMONS} == DAEMONS


@pytest.mark.parametrize(
    "host",
    ["", "edge", "namenode1", "datanode", "datanode0", "datanode4", "nodemanager03", "Datanode1"],
)
def test_a_host_that_no_daemon_is_called_as_becomes_none(host):
    with pytest.raises(BadSettings, match="called as this host"):
        daemon_of(host, SETTINGS)


def test_the_cluster_is_what_the_environment_says():
    environment = {
        "YARNHUB_USERS": " ann  ben ",
        "YARNHUB_DATANODES": "2",
        "YARNHUB_NODEMANAGERS": "5",
        "YARNHUB_NODE_MEMORY_MB": "2048",
    }
    assert settings_from(environment) == ClusterSettings(5, 2, ("ann", "ben"), 2048)
    assert settings_from({}).users == ("alice", "bob")


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"YARNHUB_DATANODES": "many"}, "should be a number"),
        ({"YARNHUB_NODEMANAGERS": "-1"}, "should be a number"),
        ({"YARNHUB_DATANODES": "9"}, "DataNodes"),
        ({"YARNHUB_USERS": "ann hadoop"}, "the cluster's own"),
        ({"YARNHUB_USERS": "ann jupyterhub"}, "the cluster's own"),
    ],
)
def test_a_cluster_that_can_not_be_is_refused(environment, problem):
    with pytest.raises(BadSettings, match=problem):
        settings_from(environment)


def test_compose_has_a_host_for_each_daemon_of_its_cluster():
    services = compose()["services"]
    environment = {
        **services["edge"]["environment"],
        "YARNHUB_NODE_MEMORY_MB": "",
        "YARNHUB_USERS": "",
    }
    settings = settings_from({name: str(value) for name, value in environment.items()})
    daemons = {name for name, service in services.items() if service["command"] == "daemon"}
    assert daemons == set(daemon_sites(settings, PORTS, Path("/state")))
    assert all(service["hostname"] == name for name, service in services.items())


def test_compose_keeps_each_host_to_itself():
    document = compose()
    services = document["services"]
    volumes = [
        volume.split(":")[0] for service in services.values() for volume in service["volumes"]
    ]
    assert sorted(volumes) == sorted(services) == sorted(document["volumes"])
    assert all(service["user"] in ("hadoop", "jupyterhub") for service in services.values())
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"edge": ["127.0.0.1:${YARNHUB_PORT:-8000}:8000"]}
