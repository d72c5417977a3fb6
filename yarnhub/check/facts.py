"""The facts that checks judge, from YARN, HDFS and this machine.

Each function looks at one group, has it judged, and returns findings; where a service did not
answer, that is the finding. Changes nothing on the cluster, where only `callback` runs something.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from urllib.error import HTTPError

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL, GET_FILE_INFO, FileType, GetFileInfoRequest
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import ConnectError, Login, LoginError, RpcError
from hadoop_client.security import kerberos
from hadoop_client.yarn.records import NodeState, QueueState
from hadoop_client.yarn.reports import NodeReport, QueueInfo
from hadoop_client.yarn.resourcemanager import GET_QUEUE_INFO, GetQueueInfoRequest
from yarnhub.check.callback import check_callback
from yarnhub.check.findings import Finding, Verdict
from yarnhub.check.java import check_java
from yarnhub.check.protocol import (
    GET_QUEUE_USER_ACLS,
    GET_SAFE_MODE,
    GetQueueUserAclsRequest,
    QueueAcl,
    SetSafeModeRequest,
)
from yarnhub.check.security import check_keytab, check_tokens
from yarnhub.check.settings import HubSettings
from yarnhub.check.verdicts import (
    Home,
    judge_clock,
    judge_home,
    judge_impersonation,
    judge_namenode,
    judge_nodes,
    judge_queue,
)
from yarnhub.errors import YarnError
from yarnhub.yarn import node_reports, resourcemanager_client

TIMEOUT_SECONDS = 10.0
NODE_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class EdgeNode:
    """This machine as the hub sees it; `user` is whom the hub is to start servers for."""

    settings: HubSettings
    user: str

    @property
    def hub_user(self) -> str:
        """Who the hub is to Hadoop."""
        return kerberos.own_user(self.configuration)

    @cached_property
    def configuration(self) -> Configuration:
        """The cluster's configuration, with the hub logged in; raises `ConfigurationError`."""
        configuration = Configuration.load()
        if configuration.kerberos and self.settings.keytab:
            kerberos.use_keytab(self.settings.keytab, self.settings.principal or None)
        return configuration

    @property
    def impersonated(self) -> Login:
        """The hub, on behalf of the user."""
        return Login(user=self.user, real_user=self.hub_user)

    def resourcemanager(self, login: Login | None = None) -> BlockingClient:
        """Make a client of YARN, as the hub itself where no login is given."""
        login = login or Login(user=self.hub_user)
        return resourcemanager_client(self.configuration, login, TIMEOUT_SECONDS)

    def namenode(self, login: Login | None = None) -> BlockingClient:
        """Make a client of HDFS, as the hub itself where no login is given."""
        addresses = self.configuration.namenode_addresses()
        login = login or Login(user=self.hub_user)
        prepare = kerberos.logins(self.configuration, kerberos.NAMENODE)
        return BlockingClient(addresses, CLIENT_PROTOCOL, login, TIMEOUT_SECONDS, prepare)


def run_check(group: str, edge: EdgeNode) -> list[Finding]:
    """Run one group's check, and take what stops it for its finding."""
    try:
        return CHECKS[group](edge)
    except (ConfigurationError, YarnError) as error:
        return [Finding(group, Verdict.FAILED, str(error))]
    except LoginError as error:
        remedy = "See that the KDC answers, and that the cluster and this machine have one realm."
        return [Finding(group, Verdict.FAILED, f"The log-in failed: {error}.", remedy)]
    except ConnectError as error:
        remedy = "See whether the service runs, and whether a firewall is between."
        return [Finding(group, Verdict.FAILED, f"Nobody answers: {error}.", remedy)]
    except RpcError as error:
        remedy = "See the log of the service that refused."
        return [Finding(group, Verdict.FAILED, f"The service refused: {error}.", remedy)]


def nodes(edge: EdgeNode) -> tuple[NodeReport, ...]:
    """Return the nodes that are there, healthy or not."""
    with edge.resourcemanager() as client:
        return node_reports(client, NodeState.RUNNING, NodeState.UNHEALTHY)


def _check_rm(edge: EdgeNode) -> list[Finding]:
    found = nodes(edge)
    unhealthy = [node.node_id.host for node in found if node.state is not NodeState.RUNNING]
    return judge_nodes(len(found) - len(unhealthy), unhealthy)


def _check_queues(edge: EdgeNode) -> list[Finding]:
    leaves: dict[str, bool] = {}
    for queue in leaf_queues(edge):
        leaves |= dict.fromkeys((queue.name, queue.path), queue.state is QueueState.RUNNING)
    leaves.pop("", None)
    allowed = None
    try:
        with edge.resourcemanager(edge.impersonated) as client:
            answer = client.call(GET_QUEUE_USER_ACLS, GetQueueUserAclsRequest())
        allowed = [
            each.queue_name
            for each in answer.queue_user_acls
            if QueueAcl.SUBMIT_APPLICATIONS in each.user_acls
        ]
    except RpcError:
        pass  # impersonation is refused: the check of it says so
    return [judge_queue(edge.settings.queue, leaves, edge.user, allowed)]


def leaf_queues(edge: EdgeNode) -> list[QueueInfo]:
    """Return the queues that take applications, open or closed."""
    with edge.resourcemanager() as client:
        root = client.call(GET_QUEUE_INFO, GetQueueInfoRequest()).queue_info
    return list(root.leaves()) if root else []


def _check_proxyuser(edge: EdgeNode) -> list[Finding]:
    def denial_of_yarn() -> str | None:
        with edge.resourcemanager(edge.impersonated) as client:
            return _denial(lambda: client.call(GET_QUEUE_USER_ACLS, GetQueueUserAclsRequest()))

    def denial_of_hdfs() -> str | None:
        with edge.namenode(edge.impersonated) as client:
            return _denial(lambda: client.call(GET_FILE_INFO, GetFileInfoRequest("/")))

    return [
        judge_impersonation("YARN", edge.hub_user, edge.user, denial_of_yarn()),
        judge_impersonation("HDFS", edge.hub_user, edge.user, denial_of_hdfs()),
    ]


def _denial(call: Callable[[], object]) -> str | None:
    try:
        call()
    except RpcError as error:
        return error.message
    return None


def _check_hdfs(edge: EdgeNode) -> list[Finding]:
    with edge.namenode() as client:
        return [judge_namenode(client.call(GET_SAFE_MODE, SetSafeModeRequest()).result)]


def _check_homes(edge: EdgeNode) -> list[Finding]:
    path = edge.configuration.home_directory(edge.user)
    with edge.namenode() as client:
        status = client.call(GET_FILE_INFO, GetFileInfoRequest(path)).status
    home = None
    if status is not None:
        is_dir = status.type is FileType.DIRECTORY
        home = Home(path, status.owner, is_dir, status.permission.mode)
    return [judge_home(edge.user, path, home, edge.settings.create_hdfs_home)]


def _check_clocks(edge: EdgeNode) -> list[Finding]:
    return [judge_clock(node.node_id.host, _skew(node.http_address)) for node in nodes(edge)]


def _skew(http_address: str) -> float | None:
    """Return how far a web server's clock is ahead of ours, to a second."""
    url = http_address if "://" in http_address else f"http://{http_address}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        headers = opener.open(f"{url}/ws/v1/node/info", timeout=NODE_TIMEOUT_SECONDS).headers
    except HTTPError as error:
        headers = error.headers  # a refusal has a date too
    except OSError:
        return None
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
    except (TypeError, ValueError):
        return None


def _check_environments(edge: EdgeNode) -> list[Finding]:
    from env_packaging.errors import PackagingError
    from env_packaging.registry import resolve, storage_errors
    from hadoop_client.hdfs.filesystem import open_filesystem

    wanted = edge.settings.python_env
    if not wanted:
        why = "No c.YarnSpawner.python_env is set: give the hub's configuration with --config."
        return [Finding("environments", Verdict.SKIPPED, why)]
    if wanted.startswith("/"):
        why = f"{wanted} is a path on the nodes, which can't be seen from here."
        return [Finding("environments", Verdict.SKIPPED, why)]
    try:
        with storage_errors("open HDFS"):
            _ = edge.hub_user  # which is logged in by its keytab from here on
            filesystem = open_filesystem()
        published = resolve(filesystem, edge.settings.env_root, wanted)
    except (PackagingError, ImportError) as error:
        remedy = "See `yarnhub envs list`, and publish one with `yarnhub pack-env`."
        return [Finding("environments", Verdict.FAILED, str(error), remedy)]
    size = f"{published.size_bytes / 1e6:.0f} MB, Python {published.python_version}"
    return [Finding("environments", Verdict.OK, f"{wanted} is {published.path} ({size}).")]


CHECKS: dict[str, Callable[[EdgeNode], list[Finding]]] = {
    "rm": _check_rm,
    "queues": _check_queues,
    "proxyuser": _check_proxyuser,
    "hdfs": _check_hdfs,
    "homes": _check_homes,
    "clocks": _check_clocks,
    "environments": _check_environments,
    "keytab": lambda edge: check_keytab(edge.settings.keytab),
    "tokens": lambda edge: check_tokens(edge.configuration),
    "java": lambda edge: check_java(edge.settings),
    "callback": lambda edge: check_callback(edge.settings),
}
