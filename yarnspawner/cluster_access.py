"""How a spawner reaches the cluster: as whom, with which client, at which addresses."""

from __future__ import annotations

from hadoop_client.yarn.reports import QueueInfo
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.pending_start import start_failures
from yarnspawner.hub.shared import get_hub_cluster
from yarnspawner.jupyterhub_types import Hub, User
from yarnspawner.launch.allocation import Allocation
from yarnspawner.settings import YarnSpawnerSettings


class ClusterAccess(YarnSpawnerSettings):
    """The part of YarnSpawner that the other parts reach the cluster with."""

    user: User
    hub: Hub

    @property
    def hadoop_name(self) -> str:
        """The user's name in Hadoop."""
        name: str = self.user.name
        return name if self.hadoop_name_hook is None else str(self.hadoop_name_hook(name))

    async def _yarn(self) -> HubCluster:
        """Return the cluster that all spawners of the hub share.

        Raises `ClusterUnavailableError`.
        """
        return await get_hub_cluster(self.user.settings, self.hub.api_url, self)

    async def cluster_queues(self) -> list[QueueInfo]:
        """Return the cluster's queues; raises `ClusterError` or `ClusterUnavailableError`."""
        return await (await self._yarn()).launcher.queues()

    async def cluster_allocation(self) -> Allocation:
        """Return how the cluster rounds memory; raises `ClusterUnavailableError`."""
        return Allocation.of((await self._yarn()).configuration)

    async def node_names(self) -> list[str]:
        """Return YARN's names of all nodes, and the addresses at which the hub reaches them."""
        with start_failures():
            hosts = await (await self._yarn()).launcher.node_hosts()
        return [*hosts, *map(self._reachable, hosts)]

    def _reachable(self, node: str) -> str:
        """Return the address at which the hub and the proxy reach a node."""
        if callable(self.host_map):
            return str(self.host_map(node))
        return str(self.host_map.get(node, node))
