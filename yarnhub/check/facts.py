"""The facts that the verdicts are based on, from YARN, HDFS and this machine.

Each function checks one group. A service that does not answer is a result too. Nothing on the
cluster is changed, and only `callback` and `mount` run anything there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from urllib.error import HTTPError

from hadoop_client.configuration import Configuration, ConfigurationError, site_directory
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL, GET_FILE_INFO, FileType, GetFileInfoRequest
from hadoop_client.mounts import Place
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import ConnectError, Login, LoginError, RpcError
from hadoop_client.security import kerberos
from hadoop_client.yarn.records import NodeState, QueueState
from hadoop_client.yarn.reports import NodeReport, QueueInfo
from hadoop_client.yarn.resourcemanager import GET_QUEUE_INFO, GetQueueInfoRequest
from yarnhub.check.callback import NO_PYTHON_ENV, check_callback
from yarnhub.check.java import check_java
from yarnhub.check.mount import check_mount
from yarnhub.check.placement import may_choose_queue
from yarnhub.check.protocol import (
    GET_QUEUE_USER_ACLS,
    GET_SAFE_MODE,
    GetQueueUserAclsRequest,
    QueueAcl,
    SetSafeModeRequest,
)
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.security import check_encryption, check_keytab, check_tokens
from yarnhub.check.settings import HubSettings
from yarnhub.check.verdicts import (
    HomeDirectory,
    Queue,
    judge_clock,
    judge_home,
    judge_impersonation,
    judge_memory,
    judge_namenode,
    judge_nodes,
    judge_queue,
)
from yarnhub.check.webhdfs import check_webhdfs
from yarnhub.errors import YarnError
from yarnhub.node_http import base_url, open_url
from yarnhub.yarn import node_reports, resourcemanager_client
from yarnspawner.launch.allocation import Allocation
from yarnspawner.launch.queues import queue_of

NO_HDFS = "The default file system is not HDFS, and the hub's settings need no HDFS."

TIMEOUT_SECONDS = 10.0
NODE_TIMEOUT_SECONDS = 3.0


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


def run_check(group: str, edge: EdgeNode) -> list[CheckResult]:
    """Run one group's check."""
    return results_of(group, lambda: CHECKS[group](edge))


def results_of(group: str, check: Callable[[], list[CheckResult]]) -> list[CheckResult]:
    """Return a check's results; an error that stops it becomes its result."""
    try:
        return check()
    except (ConfigurationError, YarnError) as error:
        return [CheckResult(group, Verdict.FAILED, str(error))]
    except LoginError as error:
        remedy = "Check that the KDC answers, and that this machine is in the cluster's realm."
        return [CheckResult(group, Verdict.FAILED, f"The login failed: {error}.", remedy)]
    except ConnectError as error:
        remedy = "Check that the service runs, and that no firewall is in between."
        return [CheckResult(group, Verdict.FAILED, f"The service did not answer: {error}.", remedy)]
    except RpcError as error:
        remedy = "See the log of that service."
        return [CheckResult(group, Verdict.FAILED, f"The service refused: {error}.", remedy)]


def nodes(edge: EdgeNode) -> tuple[NodeReport, ...]:
    """Return the nodes that are up, healthy or not."""
    with edge.resourcemanager() as client:
        return node_reports(client, NodeState.RUNNING, NodeState.UNHEALTHY)


def _check_rm(edge: EdgeNode) -> list[CheckResult]:
    reports = nodes(edge)
    unhealthy = [node.node_id.host for node in reports if node.state is not NodeState.RUNNING]
    return judge_nodes(len(reports) - len(unhealthy), unhealthy)


def _check_queues(edge: EdgeNode) -> list[CheckResult]:
    leaves = [
        Queue(queue.path or queue.name, queue.names, queue.state is QueueState.RUNNING)
        for queue in leaf_queues(edge)
    ]
    allowed = None
    try:
        with edge.resourcemanager(edge.impersonated) as client:
            response = client.call(GET_QUEUE_USER_ACLS, GetQueueUserAclsRequest())
        allowed = [
            acls.queue_name
            for acls in response.queue_user_acls
            if QueueAcl.SUBMIT_APPLICATIONS in acls.user_acls
        ]
    except RpcError:
        pass  # Impersonation is refused, which `proxyuser` reports.
    may_choose = may_choose_queue(edge.configuration, site_directory())
    queue = queue_of(edge.settings.queue, edge.user)
    return [judge_queue(queue, leaves, edge.user, allowed, may_choose)]


def leaf_queues(edge: EdgeNode) -> list[QueueInfo]:
    """Return the queues that applications are submitted to, running or stopped."""
    with edge.resourcemanager() as client:
        root = client.call(GET_QUEUE_INFO, GetQueueInfoRequest()).queue_info
    return list(root.leaves()) if root else []


def _check_proxyuser(edge: EdgeNode) -> list[CheckResult]:
    return [
        *results_of("proxyuser", lambda: _impersonate_in_yarn(edge)),
        *results_of("proxyuser", lambda: _impersonate_in_hdfs(edge)),
    ]


def _impersonate_in_yarn(edge: EdgeNode) -> list[CheckResult]:
    with edge.resourcemanager(edge.impersonated) as client:
        denial = _denial(lambda: client.call(GET_QUEUE_USER_ACLS, GetQueueUserAclsRequest()))
    return [judge_impersonation("YARN", edge.hub_user, edge.user, denial)]


def _impersonate_in_hdfs(edge: EdgeNode) -> list[CheckResult]:
    if edge.is_without_hdfs:
        return [CheckResult("proxyuser", Verdict.SKIPPED, NO_HDFS)]
    with edge.namenode(edge.home.nameservice, edge.impersonated) as client:
        denial = _denial(lambda: client.call(GET_FILE_INFO, GetFileInfoRequest("/")))
    return [judge_impersonation("HDFS", edge.hub_user, edge.user, denial)]


def _denial(call: Callable[[], object]) -> str | None:
    """Return a refusal to impersonate; None if the call succeeds. Raises other errors."""
    from yarnspawner.yarn_messages import MAY_NOT_ACT

    try:
        call()
    except RpcError as error:
        if error.name == "AuthorizationException" or MAY_NOT_ACT.search(error.message):
            return error.message
        raise
    return None


def _check_hdfs(edge: EdgeNode) -> list[CheckResult]:
    if edge.is_without_hdfs:
        return [CheckResult("hdfs", Verdict.SKIPPED, NO_HDFS)]
    names = edge.configuration.nameservices()
    return [result for name in names for result in results_of("hdfs", partial(_safe, edge, name))]


def _safe(edge: EdgeNode, nameservice: str) -> list[CheckResult]:
    with edge.namenode(nameservice) as client:
        return [judge_namenode(client.call(GET_SAFE_MODE, SetSafeModeRequest()).result)]


def _check_webhdfs(edge: EdgeNode) -> list[CheckResult]:
    if edge.is_without_hdfs:
        return [CheckResult("webhdfs", Verdict.SKIPPED, NO_HDFS)]
    return check_webhdfs(edge.configuration)


def _check_homes(edge: EdgeNode) -> list[CheckResult]:
    if edge.is_without_hdfs:
        return [CheckResult("homes", Verdict.SKIPPED, NO_HDFS)]
    path = edge.configuration.home_directory(edge.user)
    with edge.namenode(edge.home.nameservice) as client:
        status = client.call(GET_FILE_INFO, GetFileInfoRequest(edge.home.path)).status
    home = None
    if status is not None:
        is_dir = status.type is FileType.DIRECTORY
        home = HomeDirectory(path, status.owner, is_dir, status.permission.mode)
    return [judge_home(edge.user, path, home, edge.settings.create_hdfs_home)]


def _check_clocks(edge: EdgeNode) -> list[CheckResult]:
    return [judge_clock(node.node_id.host, _skew(node.http_address)) for node in nodes(edge)]


def _skew(http_address: str) -> float | None:
    """Return the seconds that a node's clock is ahead of ours, or None if it did not answer."""
    try:
        with open_url(f"{base_url(http_address)}/ws/v1/node/info", NODE_TIMEOUT_SECONDS) as page:
            date = page.headers["Date"]
    except HTTPError as error:
        date = error.headers["Date"]  # A refusal has a date too.
    except OSError:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (TypeError, ValueError):
        return None


def _check_environments(edge: EdgeNode) -> list[CheckResult]:
    from env_packaging.errors import PackagingError
    from env_packaging.registry import resolve, storage_errors
    from hadoop_client.hdfs.filesystem import open_filesystem

    python_env = edge.settings.python_env
    if not python_env:
        return [CheckResult("environments", Verdict.SKIPPED, NO_PYTHON_ENV)]
    if python_env.startswith("/"):
        why = f"{python_env} is a path on the nodes, which this machine cannot check."
        return [CheckResult("environments", Verdict.SKIPPED, why)]
    try:
        with storage_errors("open HDFS"):
            _ = edge.hub_user  # Logs in with the hub's keytab.
            filesystem = open_filesystem()
        published = resolve(filesystem, edge.settings.env_root, python_env)
    except (PackagingError, ImportError) as error:
        remedy = "See `yarnhub envs list`, and publish one with `yarnhub pack-env`."
        return [CheckResult("environments", Verdict.FAILED, str(error), remedy)]
    size = f"{published.size_bytes / 1e6:.0f} MB, Python {published.python_version}"
    return [CheckResult("environments", Verdict.OK, f"{python_env} is {published.path} ({size}).")]


def _check_memory(edge: EdgeNode) -> list[CheckResult]:
    from yarnspawner.profiles.model import parse_memory

    settings = edge.settings
    limit, overhead = parse_memory(settings.mem_limit), parse_memory(settings.am_overhead)
    if not limit or overhead is None:
        why = "c.YarnSpawner.mem_limit or am_overhead is not an amount of memory such as 2G."
        return [CheckResult("memory", Verdict.FAILED, why, "Correct it.")]
    overhead = 0 if settings.am_overhead_in_mem_limit else overhead
    return [judge_memory(limit, overhead, Allocation.of(edge.configuration))]


CHECKS: dict[str, Callable[[EdgeNode], list[CheckResult]]] = {
    "rm": _check_rm,
    "queues": _check_queues,
    "proxyuser": _check_proxyuser,
    "hdfs": _check_hdfs,
    "webhdfs": _check_webhdfs,
    "homes": _check_homes,
    "clocks": _check_clocks,
    "environments": _check_environments,
    "memory": _check_memory,
    "keytab": lambda edge: check_keytab(edge.settings.keytab),
    "tokens": lambda edge: check_tokens(edge.configuration),
    "encryption": lambda edge: check_encryption(edge.configuration),
    "java": lambda edge: check_java(edge.settings),
    "callback": lambda edge: check_callback(edge.settings),
    "mount": lambda edge: check_mount(edge.settings),
}
