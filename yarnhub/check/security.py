"""What the edge node shows of Kerberos, without asking anybody: the hub's keytab, and what becomes
of the logs of servers that outlive their tokens."""

from __future__ import annotations

import os
from pathlib import Path

from hadoop_client.configuration import Configuration
from hadoop_client.security import kerberos, keytab
from yarnhub.check.findings import Finding, Verdict
from yarnhub.check.verdicts import judge_keytab, judge_tokens

DAY_MS = 24 * 3600 * 1000
MAX_LIFETIMES = (
    "dfs.namenode.delegation.token.max-lifetime",
    "yarn.resourcemanager.delegation.token.max-lifetime",
)


def check_keytab(path: str) -> list[Finding]:
    """Look at the hub's keytab, which the environment may name instead of its configuration.

    Raises ConfigurationError where there is no key in it.
    """
    secure = Configuration.load().kerberos
    if secure:  # elsewhere nobody looks there
        path = path or kerberos.environments_keytab()
    needed = secure and not path
    mode = Path(path).stat().st_mode & 0o777 if path and Path(path).exists() else None
    finding = judge_keytab(path, needed, mode, os.access(path, os.R_OK))
    if finding.verdict is Verdict.OK:
        keytab.principals(path)
    return [finding]


def check_tokens(configuration: Configuration) -> list[Finding]:
    """Look whether the ResourceManager may get tokens by itself, for the logs of long servers."""
    if not configuration.kerberos:
        return [
            Finding("tokens", Verdict.SKIPPED, "The cluster has no Kerberos, and so no tokens.")
        ]
    names = [(configuration.get(kerberos.RESOURCEMANAGER) or "").partition("/")[0]]
    if configuration.get_list("hadoop.security.auth_to_local"):
        names.insert(0, "yarn")  # whom its rules make of rm/HOST, as a rule
    allowed = [name for name in names if _may_act(configuration, name)]
    return [
        judge_tokens(
            min(configuration.get_int(key, 7 * DAY_MS) for key in MAX_LIFETIMES) / DAY_MS,
            configuration.get_bool("yarn.log-aggregation-enable"),
            configuration.get_bool("yarn.resourcemanager.proxy-user-privileges.enabled"),
            (allowed or names)[0],
            bool(allowed),
        )
    ]


def _may_act(configuration: Configuration, name: str) -> bool:
    right = f"hadoop.proxyuser.{name}."
    whom = configuration.get(right + "groups") or configuration.get(right + "users")
    return bool(configuration.get(right + "hosts") and whom)
