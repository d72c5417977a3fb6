"""Requests of a container to the hub, authenticated with the key of the server's start."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from jupyterhub.apihandlers import APIHandler
from tornado import web

from yarnspawner.container.sealing import NotSealedError, verify


class SignedRequestHandler(APIHandler):
    """A handler of signed requests. Its lines in the log leave out the query of the URL, in which a
    client may have put an API token."""

    def _request_summary(self) -> str:
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"


def start_key(cookie_secret: bytes, spawn_tag: str) -> bytes:
    """Return the key of a start, or an empty one if there is no start.

    It is derived from the hub's cookie secret, and not stored: JupyterHub's API shows the state of
    servers to administrators. A restarted hub derives the same key. The tag alone reveals nothing.
    """
    if not spawn_tag:
        return b""
    message = b"yarnhub key of a start: " + spawn_tag.encode()
    return hmac.new(cookie_secret, message, hashlib.sha256).digest()


def verified_spawner(
    handler: APIHandler, user_name: str, server_name: str, purpose: str
) -> tuple[Any, bytes]:
    """Return the spawner of the server that signed the request, and the request's nonce.

    Raises `HTTPError`: status 403 for any other request, whether the server exists or not.
    """
    user = handler.find_user(user_name)
    known = user is not None and server_name in user.orm_spawners
    spawner = user.spawners[server_name] if known else None
    header = handler.request.headers.get("Authorization", "")
    try:
        nonce = verify(getattr(spawner, "start_key", b""), header, purpose, handler.request.body)
    except NotSealedError as error:
        raise web.HTTPError(403, "Only the server that runs has access.") from error
    return spawner, nonce
