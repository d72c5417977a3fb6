"""Judges the facts about a cluster, one function for each group. Pure: no I/O."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from hadoop_client.hdfs.homes import make_home_command
from yarnhub.check.results import CheckResult, Verdict
from yarnspawner.launch.allocation import Allocation

MIB = 1 << 20

#: A container may be so many times as large as the server's memory without a warning.
MOST_ROUNDED = 1.2

#: The property with the ciphers for file contents.
CIPHER_SUITES = "dfs.encrypt.data.transfer.cipher.suites"

#: Kerberos refuses tickets at five minutes; YARN's container tokens expire after ten.
SKEW_WARNING_SECONDS, SKEW_FAILURE_SECONDS = 30.0, 300.0


@dataclass(frozen=True)
class HomeDirectory:
    """A user's home directory in HDFS, or a file in its place."""

    path: str
    owner: str
    is_dir: bool
    mode: int


@dataclass(frozen=True)
class Queue:
    """A queue for applications: its path, the names by which applications may name it, and whether
    it runs. Hadoop before 3.4 reports the short name only, but the path in a user's rights."""

    path: str
    names: frozenset[str]
    runs: bool = True

    def is_named(self, name: str) -> bool:
        """Return whether a name in a user's rights is the queue's."""
        has_path = "." in self.path
        return name in self.names or (not has_path and name.endswith(f".{self.path}"))


def judge_nodes(running: int, unhealthy: Sequence[str]) -> list[CheckResult]:
    """Judge a ResourceManager that answers, by its nodes."""
    if not running:
        return [
            CheckResult(
                "rm",
                Verdict.FAILED,
                "The ResourceManager answers, but no node is running.",
                "Start the NodeManagers, and see their logs.",
            )
        ]
    results = [
        CheckResult("rm", Verdict.OK, f"The ResourceManager answers; nodes running: {running}.")
    ]
    if unhealthy:
        results.append(
            CheckResult(
                "rm",
                Verdict.WARNING,
                f"Unhealthy nodes: {', '.join(unhealthy)}.",
                "See `yarn node -status`; a full disk is the usual cause.",
            )
        )
    return results


def judge_queue(
    queue: str,
    leaves: Sequence[Queue],
    user: str,
    allowed: Sequence[str] | None,
    yarn_may_choose: bool,
) -> CheckResult:
    """Judge the servers' queue.

    `leaves` are the queues for applications. `allowed` are the queues that `user` may submit to,
    None if YARN did not report them. `yarn_may_choose`: placement rules may lead servers to another
    queue, so that this one need not work.
    """
    fault = queue_fault(queue, leaves, "c.YarnSpawner.queue")
    if fault:
        return _queue_problem(*fault, yarn_may_choose)
    known_queue = next(leaf for leaf in leaves if queue in leaf.names)
    if allowed is None:
        return CheckResult(
            "queues",
            Verdict.SKIPPED,
            f"The queue {queue} runs; YARN did not report whether {user} may submit to it.",
        )
    if not any(known_queue.is_named(name) for name in allowed):
        return _queue_problem(
            f"{user} may not submit to the queue {queue}.",
            "Add the user or a group to the queue's acl_submit_applications.",
            yarn_may_choose,
        )
    return CheckResult("queues", Verdict.OK, f"{user} may submit to the queue {queue}.")


def queue_fault(queue: str, leaves: Sequence[Queue], option: str) -> tuple[str, str] | None:
    """Return why no server can start in the queue that `option` names, and the remedy."""
    known_queue = next((leaf for leaf in leaves if queue in leaf.names), None)
    if known_queue is None:
        known = ", ".join(sorted(leaf.path for leaf in leaves)) or "none"
        return (
            f"There is no queue {queue} for applications. Existing queues: {known}.",
            f"Set {option} to one of them.",
        )
    if not known_queue.runs:
        return (
            f"The queue {queue} is stopped.",
            "Set its state to RUNNING in capacity-scheduler.xml, then `yarn rmadmin "
            "-refreshQueues`.",
        )
    return None


def _queue_problem(why: str, remedy: str, yarn_may_choose: bool) -> CheckResult:
    if not yarn_may_choose:
        return CheckResult("queues", Verdict.FAILED, why, remedy)
    rules = "If YARN's placement rules choose another queue, this is no problem. Otherwise: "
    return CheckResult("queues", Verdict.WARNING, why, rules + remedy)


def judge_impersonation(service: str, hub_user: str, user: str, denial: str | None) -> CheckResult:
    """Judge a service's answer to a call of the hub on behalf of a user; None: it was allowed."""
    if denial is None:
        return CheckResult("proxyuser", Verdict.OK, f"{service} lets {hub_user} act for {user}.")
    return CheckResult(
        "proxyuser",
        Verdict.FAILED,
        f"{service} does not let {hub_user} act for {user}: {denial.rstrip('.')}.",
        f"Set hadoop.proxyuser.{hub_user}.hosts and .groups in the cluster's core-site.xml, then "
        "run `yarn rmadmin -refreshSuperUserGroupsConfiguration` and "
        "`hdfs dfsadmin -refreshSuperUserGroupsConfiguration`.",
    )


def judge_namenode(in_safe_mode: bool) -> CheckResult:
    """Judge a NameNode that answers."""
    if in_safe_mode:
        return CheckResult(
            "hdfs",
            Verdict.FAILED,
            "The NameNode is in safe mode: nothing can be saved.",
            "Wait until the DataNodes have reported. If they do not, see `hdfs dfsadmin -report`.",
        )
    return CheckResult("hdfs", Verdict.OK, "The NameNode answers and accepts changes.")


def judge_home(user: str, path: str, home: HomeDirectory | None, made_by_hub: bool) -> CheckResult:
    """Judge a user's home directory; `made_by_hub`: c.YarnSpawner.create_hdfs_home is set."""
    if home is None and made_by_hub:
        why = f"{path} does not exist yet. The hub will create it."
        return CheckResult("homes", Verdict.OK, why)
    owner, at = shlex.quote(user), shlex.quote(path)
    if home is None:
        return CheckResult(
            "homes",
            Verdict.FAILED,
            f"{user} has no home directory: {path} does not exist.",
            f"Run `{make_home_command(user, path, 0o700)}`, or set c.YarnSpawner.create_hdfs_home.",
        )
    if not home.is_dir:
        return CheckResult(
            "homes", Verdict.FAILED, f"{path} is a file.", "Move it away, and create a directory."
        )
    if home.owner != user:
        return CheckResult(
            "homes",
            Verdict.FAILED,
            f"{path} belongs to {home.owner}, not to {user}.",
            f"Run `hdfs dfs -chown {owner} {at}`.",
        )
    if home.mode & 0o022:
        return CheckResult(
            "homes",
            Verdict.WARNING,
            f"Others can write to {path} (mode {home.mode:o}).",
            f"Run `hdfs dfs -chmod 700 {at}`.",
        )
    return CheckResult("homes", Verdict.OK, f"{path} exists and belongs to {user}.")


def judge_memory(limit: int, overhead: int, allocation: Allocation) -> CheckResult:
    """Judge what YARN takes for a server of `limit` bytes and an `overhead` on top of it."""
    from yarnspawner.profiles.model import show_memory

    container_mb = allocation.container_mb(math.ceil((limit + overhead) / MIB))
    why = (
        f"A server of {show_memory(limit)} takes {show_memory(container_mb * MIB)} of the cluster: "
        f"YARN gives multiples of {show_memory(allocation.step_mb * MIB)} "
        f"({allocation.step_property})."
    )
    if container_mb * MIB <= limit * MOST_ROUNDED:
        return CheckResult("memory", Verdict.OK, why)
    remedy = f"Lower {allocation.step_property}."
    if overhead and allocation.container_mb(math.ceil(limit / MIB)) < container_mb:
        remedy = "Set c.YarnSpawner.am_overhead_in_mem_limit = True, or lower " + remedy[6:]
    return CheckResult("memory", Verdict.WARNING, why, remedy)


def judge_clock(host: str, skew_seconds: float | None) -> CheckResult:
    """Judge the difference to a node's clock; None: the node's web page did not answer."""
    if skew_seconds is None:
        return CheckResult(
            "clocks", Verdict.SKIPPED, f"The web page of {host} did not answer this machine."
        )
    why = f"The clocks of {host} and this machine are {abs(skew_seconds):.0f} s apart."
    if abs(skew_seconds) < SKEW_WARNING_SECONDS:
        return CheckResult("clocks", Verdict.OK, why)
    failed = abs(skew_seconds) >= SKEW_FAILURE_SECONDS
    verdict = Verdict.FAILED if failed else Verdict.WARNING
    return CheckResult("clocks", verdict, why, "Run a time service (chrony) on both.")


def judge_keytab(path: str, needed: bool, mode: int | None, readable: bool) -> CheckResult:
    """Judge the hub's keytab. `needed`: the cluster uses Kerberos. `mode`: None without a file."""
    if not path and needed:
        return CheckResult(
            "keytab",
            Verdict.WARNING,
            "The cluster uses Kerberos but no keytab is set; the hub would depend on a kinit "
            "ticket.",
            "Set c.YarnSpawner.keytab, and give the hub's configuration with --config.",
        )
    if not path:
        return CheckResult("keytab", Verdict.SKIPPED, "No c.YarnSpawner.keytab is set.")
    if mode is None:
        return CheckResult(
            "keytab",
            Verdict.FAILED,
            f"{path} does not exist.",
            "Correct c.YarnSpawner.keytab, or KRB5_CLIENT_KTNAME if the path comes from there.",
        )
    if mode & 0o077:
        return CheckResult(
            "keytab",
            Verdict.FAILED,
            f"Other users have access to {path} (mode {mode:o}), and could act as the hub.",
            f"Run `chmod 400 {shlex.quote(path)}`, and change the key.",
        )
    if not readable:
        return CheckResult(
            "keytab",
            Verdict.FAILED,
            f"This account cannot read {path}.",
            f"Give the file to the hub's account: `chown ACCOUNT {shlex.quote(path)}`.",
        )
    return CheckResult("keytab", Verdict.OK, f"Only its owner can read {path}.")


def judge_encryption(*, encrypts: bool, suites: Sequence[str]) -> CheckResult:
    """Judge how file contents are encrypted on their way from and to DataNodes."""
    if not encrypts:
        why = "File contents are not encrypted between servers and DataNodes."
        return CheckResult("encryption", Verdict.SKIPPED, why)
    if any(suite.upper().startswith("AES/") for suite in suites):
        return CheckResult("encryption", Verdict.OK, "File contents are encrypted with AES.")
    return CheckResult(
        "encryption",
        Verdict.WARNING,
        f"File contents are encrypted, but {CIPHER_SUITES} is not set in this configuration. "
        "Without AES, reading and writing files is six to nine times slower.",
        f"Set {CIPHER_SUITES} to AES/CTR/NoPadding in hdfs-site.xml of the DataNodes and the "
        "clients.",
    )


def judge_tokens(
    days: float, collects: bool, renews: bool, rm_user: str, may_act: bool
) -> CheckResult:
    """Judge whether YARN can collect the logs of servers that outlive their tokens, after `days`.

    `collects`: log aggregation is on. `renews`: the ResourceManager is configured to get new tokens
    for it. `may_act`: the NameNode lets `rm_user`, the ResourceManager's user, act for users.
    """
    if not collects:
        why = "Log aggregation is off, so token expiry does not matter for logs."
        return CheckResult("tokens", Verdict.OK, why)
    if renews and may_act:
        why = f"The logs of servers that run longer than {days:g} days are collected too."
        return CheckResult("tokens", Verdict.OK, why)
    switch = "yarn.resourcemanager.proxy-user-privileges.enabled"
    right = f"hadoop.proxyuser.{rm_user}.hosts and .groups"
    if renews or may_act:
        present, missing = (switch, right) if renews else (right, switch)
        return CheckResult(
            "tokens",
            Verdict.WARNING,
            f"The local configuration sets {present} but not {missing}. That is worse than setting "
            "neither.",
            f"Set {missing} too, on the ResourceManager and the NameNode, or unset the other.",
        )
    return CheckResult(
        "tokens",
        Verdict.WARNING,
        f"The logs of servers that run longer than {days:g} days will not be collected.",
        f"Set both {switch} on the ResourceManager and {right} on the NameNode, never one alone.",
    )
