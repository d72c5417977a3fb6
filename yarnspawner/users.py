"""The users for whom a hub may start servers. Pure."""

from __future__ import annotations

import re

from hadoop_client.security.delegation import short_name
from yarnspawner.failures import ImpersonationError

#: Common accounts of Hadoop's daemons, which are superusers of HDFS or YARN.
SUPERUSERS = frozenset({"root", "hdfs", "yarn", "mapred", "hadoop"})


def check_user(name: str, hub_user: str, forbidden: set[str]) -> None:
    """Refuse to act for a superuser of Hadoop or for the hub's own user.

    The cluster's proxyuser rules are the boundary; this check also holds if they are too wide.
    """
    # A name that begins with a hyphen would be an option to the commands that messages contain.
    possible = re.fullmatch(r"[^\s/,:*-][^\s/,:*]*", name) and name not in (".", "..")
    if not (possible and name.isprintable()):
        raise ImpersonationError(
            f"{name!r} cannot be a Hadoop user. JupyterHub starts servers only for printable names "
            "without spaces, slashes, commas, colons and asterisks that do not begin with a "
            "hyphen. Ask an administrator to map your login name (c.YarnSpawner.hadoop_name_hook)."
        )
    refused = {account.casefold() for account in (short_name(hub_user), *forbidden)}
    if short_name(name).casefold() in refused:
        raise ImpersonationError(
            f"JupyterHub starts no server for {name}, which is an account of a Hadoop superuser or "
            "of JupyterHub itself (c.YarnSpawner.forbidden_users). Log in with your own account."
        )
