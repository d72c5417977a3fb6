"""When YARN ends this server, and its extension: the hub knows the first and does the second.

A server only knows the lifetime that was requested. Its queue may have a shorter one, and it may
have been changed since.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPError

from yarnspawner.container.hub import ssl_context

#: Seconds after which the hub is asked again, while a page of JupyterLab is open.
REFRESH_SECONDS = 300.0

TIMEOUT_SECONDS = 30.0

_log = logging.getLogger(__name__)


class NotExtendedError(Exception):
    """The hub did not extend the lifetime. The text is a sentence for the user."""


class HubLifetime:
    """The lifetime of the server with these variables, in an asyncio event loop.

    `ends` is when YARN ends the server, and `latest` the time up to which its user may extend that,
    in seconds since 1970. `ends` is None without a limit, and `latest` if the user may not.
    """

    def __init__(self, ends: float | None, environment: Mapping[str, str]) -> None:
        self.ends = ends
        self.latest: float | None = None
        self._environment = environment
        self._due = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        """Ask the hub if its last answer is old. The new one is there later."""
        if time.monotonic() >= self._due and "JUPYTERHUB_API_URL" in self._environment:
            self._due = time.monotonic() + REFRESH_SECONDS
            self._refreshing = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            await self._call("GET")
        except NotExtendedError as error:
            _log.warning("When YARN ends the server is not known for certain: %s", error)

    async def extend(self) -> None:
        """Have the lifetime extended; raises `NotExtendedError`."""
        await self._call("POST")
        # An answer to an earlier request would have the end before the extension, and so may the
        # hub's next answers, because it asks YARN only now and then.
        if self._refreshing is not None:
            self._refreshing.cancel()
        self._due = time.monotonic() + REFRESH_SECONDS

    async def _call(self, method: str) -> None:
        environment = self._environment
        try:
            answer = await AsyncHTTPClient().fetch(
                lifetime_url(environment),
                method=method,
                headers={"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"},
                body="" if method == "POST" else None,
                request_timeout=TIMEOUT_SECONDS,
                follow_redirects=False,  # the request has the server's token
                ssl_options=ssl_context(environment),
                raise_error=False,
            )
            content = json.loads(answer.body)
            if answer.code == 200:
                self.ends, self.latest = (
                    _seconds(content["ends_ms"]),
                    _seconds(content["latest_ms"]),
                )
                return
            sentence = str(content["message"])
        except (OSError, HTTPError, ValueError, LookupError, TypeError) as error:
            raise NotExtendedError(f"The hub did not answer as expected ({error}).") from error
        raise NotExtendedError(sentence)


def lifetime_url(environment: Mapping[str, str]) -> str:
    """Return the address of the server's lifetime in the hub's API."""
    user = quote(environment["JUPYTERHUB_USER"], safe="")
    name = environment.get("JUPYTERHUB_SERVER_NAME", "")
    server = f"servers/{quote(name, safe='')}" if name else "server"
    return f"{environment['JUPYTERHUB_API_URL']}/users/{user}/{server}/lifetime"


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
