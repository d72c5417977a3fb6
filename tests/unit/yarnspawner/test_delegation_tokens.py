"""What fetching delegation tokens is counted as."""

from __future__ import annotations

from hadoop_client.configuration import Configuration
from tests.unit.hadoop_client.rpc_server import Call, RpcServer
from yarnspawner.launcher.delegation_tokens import Tokens
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.metrics import RM_CALL_SECONDS


def outcomes() -> set[str]:
    """How the calls to ResourceManagers ended, as the hub's figures say."""
    (figure,) = RM_CALL_SECONDS.collect()
    return {sample.labels["outcome"] for sample in figure.samples}


async def test_a_call_to_the_namenode_is_none_to_the_resourcemanager():
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
        while "FromTheResourceManager" not in outcomes():  # both are asked at once
            try:
                await tokens.fetch("alice")
            except ClusterError:
                continue
        await tokens.close()
    assert "FromTheNameNode" not in outcomes()
