"""The tags that mark a hub's applications, and the users for whom a hub may start one. Pure.

A hub finds its own applications in YARN by its tag, so two hubs on one cluster never touch each
other's. Each start of a server has another tag.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from yarnspawner.failures import ImpersonationError

#: Common accounts of Hadoop's daemons, which are superusers of HDFS or YARN.
SUPERUSERS = frozenset({"root", "hdfs", "yarn", "mapred", "hadoop"})


def hub_tag(cookie_secret: bytes, api_url: str) -> str:
    """Return the tag of a hub's applications, which stays the same over restarts of the hub.

    It depends on both arguments: two hubs may have the same address (127.0.0.1), or a copied cookie
    secret. It reveals nothing of the secret.
    """
    digest = hmac.new(cookie_secret, b"yarnhub " + api_url.encode(), hashlib.sha256)
    return "yarnhub-" + digest.hexdigest()[:16]


def new_spawn_tag() -> str:
    """Return the tag of one start of one server."""
    return "yarnhub-spawn-" + secrets.token_hex(8)


def spawn_tags(tags: tuple[str, ...]) -> set[str]:
    """Return the tags among an application's that mark a start."""
    return {tag for tag in tags if tag.startswith("yarnhub-spawn-")}


def check_user(name: str, hub_user: str, forbidden: set[str]) -> None:
    """Refuse to act for a superuser of Hadoop or for the hub's own user.

    The cluster's proxyuser rules are the boundary; this check also holds if they are too wide.
    """
    if not re.fullmatch(r"[^\s/,:*\x00-\x1f]+", name) or name in (".", ".."):
        raise ImpersonationError(
            f"{name!r} cannot be a Hadoop user. JupyterHub starts servers only for names without "
            "spaces, slashes, commas, colons and asterisks. Ask an administrator to map your login "
            "name (c.YarnSpawner.hadoop_name_hook)."
        )
    short = name.partition("@")[0].casefold()
    hub_short = re.split(r"[/@]", hub_user)[0].casefold()
    if short == hub_short or short in {account.casefold() for account in forbidden}:
        raise ImpersonationError(
            f"JupyterHub starts no server for {name}, which is an account of a Hadoop superuser or "
            "of JupyterHub itself (c.YarnSpawner.forbidden_users). Log in with your own account."
        )
