"""Delegation tokens: whose they are, and the metrics of the calls that fetch them."""

from __future__ import annotations

import pytest

from hadoop_client.configuration import Configuration
from tests.unit.hadoop_client.rpc_server import Call, RpcServer
from yarnspawner.launcher.delegation_tokens import Tokens
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.metrics import RM_CALL_SECONDS


def outcomes() -> set[str]:
    """The outcomes of the calls to ResourceManagers in the hub's metrics."""
    (metric,) = RM_CALL_SECONDS.collect()
    return {sample.labels["outcome"] for sample in metric.samples}


async def test_metrics_of_the_resourcemanager_do_not_count_calls_to_namenodes():
    def of_hdfs(call: Call) -> None:
        call.refuse("java.FromTheNameNode", "no")

    def of_yarn(call: Call) -> None:
        call.refuse("java.FromTheResourceManager", "no")

    with RpcServer(of_hdfs) as namenode, RpcServer(of_yarn) as resourcemanager:
        properties = {
            "fs.defaultFS": "hdfs://{}:{}".format(*namenode.address),
            "yarn.resourcemanager.address": "{}:{}".format(*resourcemanager.address),
        }
        tokens = Tokens(Configuration(properties), "hub", [])
        while "FromTheResourceManager" not in outcomes():  # both calls run at the same time
            try:
                await tokens.fetch("alice")
            except ClusterError:
                continue
        await tokens.close()
    assert "FromTheNameNode" not in outcomes()


RULES = "RULE:[1:$1@$0](.*@TRUSTED.COM)s/@.*// DEFAULT"


@pytest.mark.parametrize(
    ("owner", "user", "is_owner"),
    [
        ("alice", "alice", True),
        ("alice@EXAMPLE.COM", "alice", True),
        ("alice/host@EXAMPLE.COM", "alice", True),
        ("alice@TRUSTED.COM", "alice", True),
        ("alice@OTHER.COM", "alice", False),
        ("alice", "alice@OTHER.COM", False),
        ("alice@OTHER.COM", "alice@OTHER.COM", True),
        ("bob", "alice", False),
    ],
)
def test_names_of_other_realms_are_other_users(
    owner: str, user: str, is_owner: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hadoop_client.security.kerberos.default_realm", lambda: "EXAMPLE.COM")
    configuration = Configuration(
        {"fs.defaultFS": "hdfs://nn:1", "hadoop.security.auth_to_local": RULES}
    )
    assert Tokens(configuration, "hub", [])._is_owner(owner, user) is is_owner


@pytest.mark.parametrize(
    ("namenodes", "logical"), [("r1", "ha-hdfs:fed"), ("r1,r2", "ha-hdfs:fed"), ("", "")]
)
def test_the_token_of_a_name_service_has_the_name_that_clients_look_up(
    namenodes: str, logical: str
) -> None:
    """Clients look one up by the name service's name if that has a list of NameNodes, also if it is
    a list of one, such as a federation's only router."""
    properties = {
        "fs.defaultFS": "hdfs://fed",
        "dfs.nameservices": "fed",
        **({"dfs.ha.namenodes.fed": namenodes} if namenodes else {}),
        **{f"dfs.namenode.rpc-address.fed{end}": "host:1" for end in ("", ".r1", ".r2")},
    }
    assert Tokens(Configuration(properties), "hub", [])._issuers[0].logical == logical


def test_tokens_are_fetched_from_each_mounted_name_service() -> None:
    mounts = "fs.viewfs.mounttable.cl.link."
    properties = {
        "fs.defaultFS": "viewfs://cl",
        f"{mounts}/user": "hdfs://a:1/user",
        f"{mounts}/data": "hdfs://b:1/",
        f"{mounts}/bucket": "s3a://bucket/",
    }
    tokens = Tokens(Configuration(properties), "hub", ["hdfs://c:1"])
    names = [issuer.name for issuer in tokens._issuers]
    assert names == [*(f"The NameNode of {name}:1" for name in "abc"), "The ResourceManager"]


@pytest.mark.parametrize(
    "url", ["s3a://b", "gs://b", "abfs://c@a", "obs://b", "oss://b", "ofs://o"]
)
def test_an_object_store_needs_no_token_of_hdfs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = Configuration({"fs.defaultFS": url})
    assert [issuer.name for issuer in Tokens(configuration, "hub", [])._issuers] == [
        "The ResourceManager"
    ]
    monkeypatch.setenv("YARNHUB_HDFS", "hdfs://ns:1")
    names = [issuer.name for issuer in Tokens(configuration, "hub", [])._issuers]
    assert names == ["The NameNode of ns:1", "The ResourceManager"]
