"""The settings of a cluster, from which its configuration is made."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarnhub.minihadoop.errors import SettingsError
from yarnhub.minihadoop.ports import MAX_DATANODES

HUB_USER = "jupyterhub"

#: The group of all users, which the hub may impersonate.
PEOPLE = "people"

#: Queues and their capacities in percent.
QUEUES = {"default": 70, "research": 30}


@dataclass(frozen=True)
class Security:
    """The settings of Kerberos.

    `protection` of RPC and data transfer is authentication, integrity or privacy. Tokens have
    Hadoop's default lifetimes, which tests shorten to minutes.
    """

    protection: str = "privacy"
    token_renew_seconds: int = 24 * 3600
    token_max_seconds: int = 7 * 24 * 3600


def superuser() -> str:
    """Return the current account, which starts the daemons and so is the superuser of Hadoop."""
    return pwd.getpwuid(os.geteuid()).pw_name


@dataclass(frozen=True)
class ClusterSettings:
    """The settings of a cluster. Memory and cores are those of each NodeManager.

    With `ha` there are two ResourceManagers and two NameNodes. Each pair shares its state, and one
    of it is active. Without `security` Hadoop trusts the user name that a client sends. `yarn` has
    further properties of yarn-site.xml, for YARN's daemons and clients.
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
        """The number of ResourceManagers, and of NameNodes."""
        return 2 if self.ha else 1

    def __post_init__(self) -> None:
        """Validate the settings. Raises SettingsError."""
        if not 1 <= self.nodemanagers <= 250:
            raise SettingsError("A cluster must have 1 to 250 NodeManagers.")
        if not 1 <= self.datanodes <= MAX_DATANODES:
            raise SettingsError(f"A cluster must have 1 to {MAX_DATANODES} DataNodes.")
        for user in self.users:
            if not re.fullmatch(r"[^\s;=,/:]+", user):
                raise SettingsError(f"{user!r} is not a valid user name in Hadoop.")
            if user in (HUB_USER, self.superuser):
                # The hub may impersonate all users.
                raise SettingsError(
                    f"{user} is an account of the cluster itself, and cannot be one of its users."
                )
