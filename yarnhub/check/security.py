"""Kerberos as far as the edge node's own files show it: the hub's keytab, and whether the logs of
servers that outlive their tokens are collected."""

from __future__ import annotations

import os
from pathlib import Path

from hadoop_client.configuration import DAY_MS, Configuration
from hadoop_client.security import kerberos, keytab
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.verdicts import CIPHER_SUITES, judge_encryption, judge_keytab, judge_tokens

MAX_LIFETIMES = (
    "dfs.namenode.delegation.token.max-lifetime",
    "yarn.resourcemanager.delegation.token.max-lifetime",
)


def check_keytab(path: str) -> list[CheckResult]:
    """Check the hub's keytab, which may come from the environment instead of the configuration.

    Raises ConfigurationError if it has no key.
    """
    secure = Configuration.load().kerberos
    if secure:  # Without Kerberos the variable is not used.
        path = path or kerberos.environments_keytab()
    needed = secure and not path
    mode = Path(path).stat().st_mode & 0o777 if path and Path(path).exists() else None
    result = judge_keytab(path, needed, mode, os.access(path, os.R_OK))
    if result.verdict is Verdict.OK:
        keytab.principals(path)
    return [result]


def check_tokens(configuration: Configuration) -> list[CheckResult]:
    """Check that the ResourceManager may get new tokens, for the logs of long-running servers."""
    if not configuration.kerberos:
        return [
            CheckResult("tokens", Verdict.SKIPPED, "The cluster does not use Kerberos: no tokens.")
        ]
    names = [(configuration.get(kerberos.RESOURCEMANAGER) or "").partition("/")[0]]
    if configuration.get_list("hadoop.security.auth_to_local"):
        names.insert(0, "yarn")  # The rules usually map rm/HOST to it.
    allowed = [name for name in names if _may_impersonate(configuration, name)]
    return [
        judge_tokens(
            min(configuration.get_int(key, 7 * DAY_MS) for key in MAX_LIFETIMES) / DAY_MS,
            configuration.get_bool("yarn.log-aggregation-enable"),
            configuration.get_bool("yarn.resourcemanager.proxy-user-privileges.enabled"),
            (allowed or names)[0],
            bool(allowed),
        )
    ]


def check_encryption(configuration: Configuration) -> list[CheckResult]:
    """Check whether the encryption of file contents on the network is the quick one."""
    protections = configuration.get_list("dfs.data.transfer.protection")
    return [
        judge_encryption(
            # The first one that the server accepts too is used.
            encrypts="privacy" in (name.lower() for name in protections[:1])
            or configuration.get_bool("dfs.encrypt.data.transfer"),
            suites=configuration.get_list(CIPHER_SUITES),
        )
    ]


def _may_impersonate(configuration: Configuration, name: str) -> bool:
    right = f"hadoop.proxyuser.{name}."
    users = configuration.get(right + "groups") or configuration.get(right + "users")
    return bool(configuration.get(right + "hosts") and users)
