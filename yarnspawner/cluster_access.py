"""How a spawner reaches the cluster: as whom, with which client, at which addresses."""

from __future__ import annotations

from functools import partial

from hadoop_client.yarn.records import Resource
from hadoop_client.yarn.reports import QueueInfo
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.pending_start import start_failures
from yarnspawner.hub.shared import get_hub_cluster
from yarnspawner.jupyterhub_types import Hub, User
from yarnspawner.launch.allocation import Allocation
from yarnspawner.launch.environments import is_published
from yarnspawner.launcher.interface import Launcher
from yarnspawner.profiles.model import Profiles
from yarnspawner.profiles.offer import ClusterOffer, largest_server
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

    async def cluster_offer(self, profiles: Profiles) -> ClusterOffer:
        """Return what the cluster can give of what the profiles name.

        Raises `ClusterError` or `ClusterUnavailableError`.
        """
        yarn = await self._yarn()
        maximum = await yarn.offers.maximum.get("", partial(_largest_container, yarn.launcher))
        labels = None
        if profiles.names("node_label"):
            labels = await yarn.offers.node_labels.get("", yarn.launcher.node_labels)
        unpublished = set()
        for name in profiles.names("environment"):
            key = f"{self.env_root} {name}"
            look_up = partial(is_published, self.env_root, name)
            if not await yarn.offers.is_published.get(key, look_up):
                unpublished.add(name)
        overhead = 0 if self.am_overhead_in_mem_limit else self.am_overhead
        most = largest_server(maximum, overhead) if maximum is not None else {}
        return ClusterOffer(most, labels, frozenset(unpublished))

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


async def _largest_container(launcher: Launcher) -> Resource | None:
    _, maximum = await launcher.new_application()
    return maximum
