"""The facts that the verdicts are based on, from YARN, HDFS and this machine.

Each function checks one group. A service that does not answer is a result too. Nothing on the
cluster is changed, and only `callback` and `mount` run anything there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.error import HTTPError

from hadoop_client.configuration import ConfigurationError, site_directory
from hadoop_client.hdfs.namenode import GET_FILE_INFO, FileType, GetFileInfoRequest
from hadoop_client.rpc.call import ConnectError, LoginError, RpcError
from hadoop_client.yarn.records import NodeState
from yarnhub.check.callback import check_callback
from yarnhub.check.edge_node import EdgeNode, known_queues, nodes
from yarnhub.check.environments import check_environments
from yarnhub.check.java import check_java
from yarnhub.check.login import check_login
from yarnhub.check.mount import check_mount
from yarnhub.check.placement import may_choose_queue
from yarnhub.check.profiles import check_profiles
from yarnhub.check.protocol import (
    GET_QUEUE_USER_ACLS,
    GET_SAFE_MODE,
    GetQueueUserAclsRequest,
    QueueAcl,
    SetSafeModeRequest,
)
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.security import check_encryption, check_keytab, check_tokens
from yarnhub.check.verdicts import (
    HomeDirectory,
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
from yarnspawner.launch.allocation import Allocation
from yarnspawner.launch.queues import queue_of

NO_HDFS = "The default file system is not HDFS, and the hub's settings need no HDFS."

NODE_TIMEOUT_SECONDS = 3.0


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
        remedy = "Check that the service runs, and that this machine reaches it."
        return [CheckResult(group, Verdict.FAILED, f"The service did not answer: {error}.", remedy)]
    except RpcError as error:
        remedy = "See the log of that service."
        return [CheckResult(group, Verdict.FAILED, f"The service refused: {error}.", remedy)]


def _check_rm(edge: EdgeNode) -> list[CheckResult]:
    reports = nodes(edge)
    unhealthy = [node.node_id.host for node in reports if node.state is not NodeState.RUNNING]
    return judge_nodes(len(reports) - len(unhealthy), unhealthy)


def _check_queues(edge: EdgeNode) -> list[CheckResult]:
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
    return [judge_queue(queue, known_queues(edge), edge.user, allowed, may_choose)]


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
    "environments": check_environments,
    "memory": _check_memory,
    "profiles": check_profiles,
    "login": lambda edge: check_login(edge.settings),
    "keytab": lambda edge: check_keytab(edge.settings.keytab),
    "tokens": lambda edge: check_tokens(edge.configuration),
    "encryption": lambda edge: check_encryption(edge.configuration),
    "java": lambda edge: check_java(edge.settings),
    "callback": lambda edge: check_callback(edge.settings),
    "mount": lambda edge: check_mount(edge.settings),
}
