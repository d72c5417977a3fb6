"""The metrics of calls that fetch delegation tokens."""

from __future__ import annotations

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
