"""This machine as the checks see it: the hub's settings, and YARN and HDFS as the hub sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL
from hadoop_client.mounts import Place
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import Login
from hadoop_client.security import kerberos
from hadoop_client.yarn.records import NodeState, QueueState
from hadoop_client.yarn.reports import NodeReport, QueueInfo
from hadoop_client.yarn.resourcemanager import GET_QUEUE_INFO, GetQueueInfoRequest
from yarnhub.check.settings import HubSettings
from yarnhub.check.verdicts import Queue
from yarnhub.yarn import node_reports, resourcemanager_client

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class EdgeNode:
    """This machine with the hub's settings; the checks are for servers of `user`."""

    settings: HubSettings
    user: str

    @property
    def hub_user(self) -> str:
        """The hub's user name in Hadoop."""
        return kerberos.own_user(self.configuration)

    @cached_property
    def configuration(self) -> Configuration:
        """The cluster's configuration, after the hub's login. Raises ConfigurationError."""
        configuration = Configuration.load()
        if configuration.kerberos and self.settings.keytab:
            kerberos.use_keytab(self.settings.keytab, self.settings.principal or None)
        return configuration

    @property
    def impersonated(self) -> Login:
        """The hub, on behalf of the user."""
        return Login(user=self.user, real_user=self.hub_user)

    def resourcemanager(self, login: Login | None = None) -> BlockingClient:
        """Make a client for YARN, with the hub's own login by default."""
        login = login or Login(user=self.hub_user)
        return resourcemanager_client(self.configuration, login, TIMEOUT_SECONDS)

    @property
    def home(self) -> Place:
        """The name service and the path there of the user's home directory."""
        return self.configuration.place(self.configuration.home_directory(self.user))

    @property
    def is_without_hdfs(self) -> bool:
        """Whether the cluster has no HDFS, and the hub's settings need none."""
        try:
            return not self.configuration.hdfs
        except ConfigurationError:
            return not self.settings.needs_hdfs

    def namenode(self, nameservice: str, login: Login | None = None) -> BlockingClient:
        """Make a client for a name service, with the hub's own login by default."""
        addresses = self.configuration.namenode_addresses(nameservice)
        login = login or Login(user=self.hub_user)
        prepare = kerberos.logins(self.configuration, kerberos.NAMENODE)
        return BlockingClient(addresses, CLIENT_PROTOCOL, login, TIMEOUT_SECONDS, prepare)


def nodes(edge: EdgeNode) -> tuple[NodeReport, ...]:
    """Return the nodes that are up, healthy or not."""
    with edge.resourcemanager() as client:
        return node_reports(client, NodeState.RUNNING, NodeState.UNHEALTHY)


def leaf_queues(edge: EdgeNode) -> list[QueueInfo]:
    """Return the queues that applications are submitted to, running or stopped."""
    with edge.resourcemanager() as client:
        root = client.call(GET_QUEUE_INFO, GetQueueInfoRequest()).queue_info
    return list(root.leaves()) if root else []


def known_queues(edge: EdgeNode) -> list[Queue]:
    """Return the queues that applications are submitted to, as the verdicts see them."""
    return [
        Queue(queue.path or queue.name, queue.names, queue.state is QueueState.RUNNING)
        for queue in leaf_queues(edge)
    ]
