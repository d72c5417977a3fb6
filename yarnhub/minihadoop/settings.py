"""What a cluster is to be, before any file says so."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarnhub.minihadoop.errors import SettingsError
from yarnhub.minihadoop.ports import MAX_DATANODES

HUB_USER = "jupyterhub"
PEOPLE = "people"
QUEUES = {"default": 70, "research": 30}


@dataclass(frozen=True)
class Security:
    """A cluster with Kerberos. `protection` is that of RPC and of data on their way:
    authentication, integrity or privacy. Tokens live as on real clusters, or a test's minutes."""

    protection: str = "privacy"
    token_renew_seconds: int = 24 * 3600
    token_max_seconds: int = 7 * 24 * 3600


def superuser() -> str:
    """Say who starts daemons on this machine, and so is its HDFS's and YARN's superuser."""
    return pwd.getpwuid(os.geteuid()).pw_name


@dataclass(frozen=True)
class ClusterSettings:
    """What a cluster is to be; memory and cores are those of each NodeManager.

    With `ha` there are two ResourceManagers and two NameNodes; of each pair one is active, and
    the two share their state.
    Without `security` everybody is whoever they say. `yarn` is more of yarn-site.xml, for YARN's
    daemons and its clients: what this cluster has and others need not have.
    """

    nodemanagers: int = 1
    datanodes: int = 3
    users: tuple[str, ...] = ("alice", "bob")
    memory_mb: int = 6144
    vcores: int = 32
    ha: bool = False
    security: Security | None = None
    yarn: Mapping[str, str] = field(default_factory=dict)
    superuser: str = field(default_factory=superuser)

    @property
    def masters(self) -> int:
        """How many ResourceManagers there are, and how many NameNodes."""
        return 2 if self.ha else 1

    def __post_init__(self) -> None:
        """Raise SettingsError, which says what can't be."""
        if not 1 <= self.nodemanagers <= 250:
            raise SettingsError("A cluster has 1 to 250 NodeManagers.")
        if not 1 <= self.datanodes <= MAX_DATANODES:
            raise SettingsError(f"A cluster has 1 to {MAX_DATANODES} DataNodes.")
        for user in self.users:
            if not re.fullmatch(r"[^\s;=,/:]+", user):
                raise SettingsError(f"{user!r} can't be a user of Hadoop.")
            if user in (HUB_USER, self.superuser):
                # Whoever is among the users is somebody that the hub may act for.
                raise SettingsError(
                    f"{user} is the cluster's own, and so can't be one of its users."
                )
