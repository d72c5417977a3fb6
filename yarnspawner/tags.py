"""Whose an application is: this hub's and this start's tags, and for whom a hub may start one.

Pure. The tags are how a hub finds what is its own in YARN, and nothing else: two hubs on one
cluster never touch each other's applications, and of two starts of one server each is told apart.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from yarnspawner.failures import ImpersonationError

#: Who a Hadoop daemon commonly runs as, and is a superuser of HDFS or YARN.
SUPERUSERS = frozenset({"root", "hdfs", "yarn", "mapred", "hadoop"})


def hub_tag(cookie_secret: bytes, api_url: str) -> str:
    """Return what marks the applications of a hub, the same after each of its restarts.

    A hub's address alone may be another's too (127.0.0.1), its cookie secret alone may have been
    copied to another. The tag tells nothing of the secret.
    """
    digest = hmac.new(cookie_secret, b"yarnhub " + api_url.encode(), hashlib.sha256)
    return "yarnhub-" + digest.hexdigest()[:16]


def new_spawn_tag() -> str:
    """Return what marks the application of one start of one server."""
    return "yarnhub-spawn-" + secrets.token_hex(8)


def spawn_tags(tags: tuple[str, ...]) -> set[str]:
    """Return those of an application's tags that mark a start."""
    return {tag for tag in tags if tag.startswith("yarnhub-spawn-")}


def check_user(name: str, hub_user: str, forbidden: set[str]) -> None:
    """Refuse to act for somebody whom Hadoop takes for a superuser, or for the hub itself.

    The cluster's own proxyuser rules are the boundary; this holds where they are too wide.
    """
    if not re.fullmatch(r"[^\s/,:*\x00-\x1f]+", name) or name in (".", ".."):
        raise ImpersonationError(
            f"{name!r} can't be a Hadoop user: JupyterHub starts servers only for names without "
            "spaces, slashes, commas and colons. Ask an administrator to map your log-in name."
        )
    short = name.partition("@")[0].casefold()
    hub_short = re.split(r"[/@]", hub_user)[0].casefold()
    if short == hub_short or short in {each.casefold() for each in forbidden}:
        raise ImpersonationError(
            f"JupyterHub starts no server for {name}, who is a superuser of Hadoop or JupyterHub "
            "itself (c.YarnSpawner.forbidden_users): log in with an account of your own."
        )
