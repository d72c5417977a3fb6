"""From what was seen of the cluster to what that means for a hub. Pure: no I/O.

Each function takes the facts of one group and returns its findings.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hadoop_client.hdfs.homes import make_home_command
from yarnhub.check.findings import Finding, Verdict

#: Kerberos refuses tickets at five minutes; YARN's container tokens expire after ten.
SKEW_WARNING_SECONDS, SKEW_FAILURE_SECONDS = 30.0, 300.0


@dataclass(frozen=True)
class Home:
    """A folder of HDFS, as the NameNode has it."""

    path: str
    owner: str
    is_dir: bool
    mode: int


def judge_nodes(running: int, unhealthy: Sequence[str]) -> list[Finding]:
    """Judge a ResourceManager that answers by the nodes that it has."""
    if not running:
        return [
            Finding(
                "rm",
                Verdict.FAILED,
                "The ResourceManager answers, but no node is running.",
                "Start the NodeManagers, and look at their logs.",
            )
        ]
    findings = [
        Finding("rm", Verdict.OK, f"The ResourceManager answers; nodes running: {running}.")
    ]
    if unhealthy:
        findings.append(
            Finding(
                "rm",
                Verdict.WARNING,
                f"Unhealthy nodes: {', '.join(unhealthy)}.",
                "See what `yarn node -status` says of them; a full disk is the usual cause.",
            )
        )
    return findings


def judge_queue(
    queue: str, leaves: Mapping[str, bool], user: str, allowed: Sequence[str] | None
) -> Finding:
    """Judge the queue that servers go to.

    `leaves` tells for each queue that takes applications, by name and by path, whether it runs;
    `allowed` are those that `user` may submit to, None where YARN did not tell.
    """
    if queue not in leaves:
        known = ", ".join(sorted(leaves)) or "none"
        return Finding(
            "queues",
            Verdict.FAILED,
            f"There is no queue {queue} that takes applications; there are: {known}.",
            "Set c.YarnSpawner.queue to one of them.",
        )
    if not leaves[queue]:
        return Finding(
            "queues",
            Verdict.FAILED,
            f"The queue {queue} is stopped.",
            "Set its state to RUNNING in capacity-scheduler.xml, then `yarn rmadmin "
            "-refreshQueues`.",
        )
    if allowed is None:
        return Finding(
            "queues",
            Verdict.SKIPPED,
            f"The queue {queue} runs; YARN did not tell whether {user} may submit to it.",
        )
    if not any(_same_queue(queue, each) for each in allowed):
        return Finding(
            "queues",
            Verdict.FAILED,
            f"{user} may not submit to the queue {queue}.",
            "Add the user or a group to the queue's acl_submit_applications.",
        )
    return Finding("queues", Verdict.OK, f"{user} may submit to the queue {queue}.")


def _same_queue(one: str, other: str) -> bool:
    """Compare queues of which either may be given by its name or by its path, as YARN does both."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def judge_impersonation(service: str, hub_user: str, user: str, denial: str | None) -> Finding:
    """Judge what a service answered to a call of the hub's for a user; None: it let it pass."""
    if denial is None:
        return Finding("proxyuser", Verdict.OK, f"{service} lets {hub_user} act for {user}.")
    return Finding(
        "proxyuser",
        Verdict.FAILED,
        f"{service} does not let {hub_user} act for {user}: {denial.rstrip('.')}.",
        f"Set hadoop.proxyuser.{hub_user}.hosts and .groups in the cluster's core-site.xml, then "
        "`yarn rmadmin -refreshSuperUserGroupsConfiguration` and the same of `hdfs dfsadmin`.",
    )


def judge_namenode(in_safe_mode: bool) -> Finding:
    """Judge a NameNode that answers."""
    if in_safe_mode:
        return Finding(
            "hdfs",
            Verdict.FAILED,
            "The NameNode is in safe mode: nothing can be saved.",
            "Wait until the DataNodes have reported, or see why they have not: "
            "`hdfs dfsadmin -report`.",
        )
    return Finding("hdfs", Verdict.OK, "The NameNode answers and takes changes.")


def judge_home(user: str, path: str, home: Home | None, made_by_hub: bool) -> Finding:
    """Judge a person's home folder; `made_by_hub`: c.YarnSpawner.create_hdfs_home is set."""
    if home is None and made_by_hub:
        return Finding("homes", Verdict.OK, f"{path} is not there yet: the hub will make it.")
    owner, at = shlex.quote(user), shlex.quote(path)
    if home is None:
        return Finding(
            "homes",
            Verdict.FAILED,
            f"{user} has no home: {path} does not exist.",
            f"Run `{make_home_command(user, path, 0o700)}`, or set c.YarnSpawner.create_hdfs_home.",
        )
    if not home.is_dir:
        return Finding(
            "homes", Verdict.FAILED, f"{path} is a file.", "Move it away, and make a folder."
        )
    if home.owner != user:
        return Finding(
            "homes",
            Verdict.FAILED,
            f"{path} belongs to {home.owner}, not to {user}.",
            f"Run `hdfs dfs -chown {owner} {at}`.",
        )
    if home.mode & 0o022:
        return Finding(
            "homes",
            Verdict.WARNING,
            f"Others can write to {path} (mode {home.mode:o}).",
            f"Run `hdfs dfs -chmod 700 {at}`.",
        )
    return Finding("homes", Verdict.OK, f"{path} is there and belongs to {user}.")


def judge_clock(host: str, skew_seconds: float | None) -> Finding:
    """Judge a node's clock against this machine's; None: the node's web page did not answer."""
    if skew_seconds is None:
        return Finding(
            "clocks", Verdict.SKIPPED, f"The web page of {host} does not answer from here."
        )
    apart = f"The clock of {host} and this machine's are {abs(skew_seconds):.0f} s apart"
    if abs(skew_seconds) < SKEW_WARNING_SECONDS:
        return Finding("clocks", Verdict.OK, apart + ".")
    failed = abs(skew_seconds) >= SKEW_FAILURE_SECONDS
    verdict = Verdict.FAILED if failed else Verdict.WARNING
    return Finding("clocks", verdict, apart + ".", "Run a time service (chrony) on both.")


def judge_keytab(path: str, needed: bool, mode: int | None, readable: bool) -> Finding:
    """Judge the hub's keytab; `mode` is None where the file is not there. `needed`: the cluster has
    Kerberos."""
    if not path and needed:
        return Finding(
            "keytab",
            Verdict.WARNING,
            "The cluster has Kerberos, and the hub would live by a ticket of kinit.",
            "Set c.YarnSpawner.keytab, and give the hub's configuration with --config.",
        )
    if not path:
        return Finding("keytab", Verdict.SKIPPED, "No c.YarnSpawner.keytab is set.")
    if mode is None:
        return Finding(
            "keytab",
            Verdict.FAILED,
            f"{path} does not exist.",
            "Correct c.YarnSpawner.keytab, or KRB5_CLIENT_KTNAME if it is from there.",
        )
    if mode & 0o077:
        return Finding(
            "keytab",
            Verdict.FAILED,
            f"Others than its owner can use {path} (mode {mode:o}): who reads it is the hub.",
            f"Run `chmod 400 {path}`, and have the key changed.",
        )
    if not readable:
        return Finding(
            "keytab",
            Verdict.FAILED,
            f"{path} can't be read by who runs this.",
            f"Give it to the hub's account: `chown ACCOUNT {path}`.",
        )
    return Finding("keytab", Verdict.OK, f"{path} is readable by its owner only.")


def judge_tokens(days: float, collects: bool, renews: bool, rm_user: str, may_act: bool) -> Finding:
    """Judge what becomes of the logs of servers that run on when the tokens of their start have
    ended, after `days`.

    `collects`: YARN collects logs; `renews`: the ResourceManager is to get new tokens for that by
    itself; `may_act`: the NameNode lets `rm_user`, who it is to HDFS, act for people.
    """
    if not collects:
        return Finding("tokens", Verdict.OK, "YARN collects no logs, for which tokens could end.")
    if renews and may_act:
        return Finding("tokens", Verdict.OK, f"Logs are collected after {days:g} days too.")
    switch = "yarn.resourcemanager.proxy-user-privileges.enabled"
    right = f"hadoop.proxyuser.{rm_user}.hosts and .groups"
    if renews or may_act:
        there, missing = (switch, right) if renews else (right, switch)
        return Finding(
            "tokens",
            Verdict.WARNING,
            f"As far as the configuration here shows, the cluster has {there} without {missing}, "
            "which is worse than neither.",
            f"Set {missing} too, on ResourceManager and NameNode, or unset the other.",
        )
    return Finding(
        "tokens",
        Verdict.WARNING,
        f"Logs of servers that run for longer than {days:g} days will not be collected.",
        f"Set {switch} on the ResourceManager, and {right} on the NameNode: both, or none.",
    )
