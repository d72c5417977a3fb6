"""A distributed cluster: the configuration of its daemons, and docker-compose.yml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from yarnhub.minihadoop.compose_host import PORTS, daemon_of, principals, settings_from
from yarnhub.minihadoop.configuration import cluster_site, daemon_sites
from yarnhub.minihadoop.errors import SettingsError
from yarnhub.minihadoop.settings import ClusterSettings, Security

ROOT = Path(__file__).parents[3]
SETTINGS = ClusterSettings(nodemanagers=2, datanodes=3)
SECURE = ClusterSettings(nodemanagers=2, datanodes=3, security=Security())
DAEMONS = {
    "namenode": ("namenode", 0),
    "datanode1": ("datanode", 0),
    "datanode2": ("datanode", 1),
    "datanode3": ("datanode", 2),
    "resourcemanager": ("resourcemanager", 0),
    "nodemanager1": ("nodemanager", 0),
    "nodemanager2": ("nodemanager", 1),
}

PRINCIPALS = {
    "nn": "dfs.namenode.kerberos.principal",
    "dn": "dfs.datanode.kerberos.principal",
    "HTTP": "dfs.web.authentication.kerberos.principal",
    "rm": "yarn.resourcemanager.principal",
    "nm": "yarn.nodemanager.principal",
}


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_no_address_is_that_of_the_machine_that_reads_it():
    for name, site in daemon_sites(SETTINGS, PORTS, Path("/state")).items():
        for properties in site.files().values():
            assert not [value for value in properties.values() if "127.0.0" in value], name


def test_each_daemon_is_on_the_host_with_its_name():
    sites = daemon_sites(SETTINGS, PORTS, Path("/state"))
    assert set(sites) == set(DAEMONS)
    for name, site in sites.items():
        assert site.core["fs.defaultFS"] == "hdfs://namenode:9000"
        assert site.yarn["yarn.resourcemanager.hostname"] == "resourcemanager"
        if "datanode" in name:
            assert site.hdfs["dfs.datanode.address"].startswith(f"{name}:")
        if "nodemanager" in name:
            assert site.yarn["yarn.nodemanager.address"].startswith(f"{name}:")


def test_the_hub_may_impersonate_users_only_from_any_host():
    core = cluster_site(SETTINGS, PORTS, Path("/state")).core
    assert core["hadoop.proxyuser.jupyterhub.groups"] == "people"


def test_a_host_becomes_the_daemon_with_its_name():
    assert {name: daemon_of(name, SETTINGS) for name in DAEMONS} == DAEMONS


@pytest.mark.parametrize(
    "host",
    ["", "edge", "namenode1", "datanode", "datanode0", "datanode4", "nodemanager03", "Datanode1"],
)
def test_a_host_name_without_a_daemon_is_refused(host):
    with pytest.raises(SettingsError, match="matches no daemon"):
        daemon_of(host, SETTINGS)


def test_the_environment_describes_the_cluster():
    environment = {
        "YARNHUB_USERS": " ann  ben ",
        "YARNHUB_DATANODES": "2",
        "YARNHUB_NODEMANAGERS": "5",
        "YARNHUB_NODE_MEMORY_MB": "2048",
    }
    assert settings_from(environment) == ClusterSettings(
        5, 2, ("ann", "ben"), 2048, superuser="hadoop"
    )
    assert settings_from({}).users == ("alice", "bob")


@pytest.mark.parametrize(
    ("profiles", "secure"), [("", False), ("kerberos", True), ("some,kerberos", True), ("k", False)]
)
def test_the_profile_kerberos_makes_it_secure(profiles, secure):
    assert bool(settings_from({"COMPOSE_PROFILES": profiles}).security) is secure


def test_a_host_becomes_the_kdc_only_with_kerberos():
    assert daemon_of("kdc", SECURE) == ("kdc", 0)
    with pytest.raises(SettingsError, match="matches no daemon"):
        daemon_of("kdc", SETTINGS)


def test_each_host_has_exactly_the_keys_of_its_daemon():
    keys = principals(SECURE)
    for host, site in daemon_sites(SECURE, PORTS, Path("/state")).items():
        for service, principal in keys[host].items():
            configured = {**site.hdfs, **site.yarn}[PRINCIPALS[service]]
            assert configured.replace("_HOST", host) == principal
    services = [principal for host in DAEMONS for principal in keys[host].values()]
    assert len(set(services)) == len(services)
    assert set(keys["edge"]) == {"jupyterhub", "alice", "bob"}


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"YARNHUB_DATANODES": "many"}, "must be a number"),
        ({"YARNHUB_NODEMANAGERS": "-1"}, "must be a number"),
        ({"YARNHUB_DATANODES": "9"}, "DataNodes"),
        ({"YARNHUB_USERS": "ann hadoop"}, "an account of the cluster itself"),
        ({"YARNHUB_USERS": "ann jupyterhub"}, "an account of the cluster itself"),
    ],
)
def test_an_impossible_cluster_is_refused(environment, problem):
    with pytest.raises(SettingsError, match=problem):
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
    assert daemons == {*daemon_sites(settings, PORTS, Path("/state")), "kdc"}
    assert [name for name, service in services.items() if "profiles" in service] == ["kdc"]
    assert all(service["hostname"] == name for name, service in services.items())


def test_compose_keeps_each_host_to_itself():
    document = compose()
    services = document["services"]
    keys = {f"keys-{name}" for name in services if name != "kdc"}
    assert {*(services.keys() - {"homes"}), *keys} == set(document["volumes"])
    for name, service in services.items():
        mounted = {volume.partition(":")[0] for volume in service["volumes"]}
        wanted = {"kdc", *keys} if name == "kdc" else {name, f"keys-{name}"}
        assert mounted == wanted - {"homes"}
    assert all(service["user"] in ("hadoop", "jupyterhub") for service in services.values())
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"edge": ["127.0.0.1:${YARNHUB_PORT:-8000}:8000"]}


def test_the_health_check_imports_no_hub():
    script = "import sys, yarnhub.minihadoop.compose_host; print('jupyterhub' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
