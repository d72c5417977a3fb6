"""The tags that mark a hub's applications. Pure, and standard library only.

A hub finds its own applications in YARN by its tag, so two hubs on one cluster never touch each
other's. Each start of a server has another tag.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

#: The type of our applications; that of the skein launcher's is skein's own.
APPLICATION_TYPE = "yarnhub"

#: Begins the tag of one start of a server.
SPAWN_TAG = "yarnhub-spawn-"

#: Begins the tag that holds the key of an environment in use.
KEY_TAG = "yarnhub-env-"


def hub_tag(cookie_secret: bytes, api_url: str) -> str:
    """Return the tag of a hub's applications, which stays the same over restarts of the hub.

    It depends on both arguments: two hubs may have the same address (127.0.0.1), or a copied cookie
    secret. It reveals nothing of the secret.
    """
    digest = hmac.new(cookie_secret, b"yarnhub " + api_url.encode(), hashlib.sha256)
    return "yarnhub-" + digest.hexdigest()[:16]


def new_spawn_tag() -> str:
    """Return the tag of one start of one server."""
    return SPAWN_TAG + secrets.token_hex(8)


def spawn_tags(tags: tuple[str, ...]) -> set[str]:
    """Return the tags among an application's that mark a start."""
    return {tag for tag in tags if tag.startswith(SPAWN_TAG)}
