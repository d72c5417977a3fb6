"""The server's API for JupyterLab: `status`, `lifetime`, `log` and `guide` below `/yarnhub/api`.

A request for the status is not an activity of the user: JupyterLab sends it on its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from yarnspawner.container.diagnostics import output_tail, secrets_of
from yarnspawner.lab.lifetime import HubLifetime, NotExtendedError

#: The container's launch script has redirected our standard error to the log file.
LOG_FILE = "/proc/self/fd/2"

#: The guide for users, which is also a page of the documentation.
GUIDE_FILE = Path(__file__).with_name("guide.md")


class StatusHandler(APIHandler):
    """What the server is, and how much of its memory is in use."""

    auth_resource = "yarnhub"
    _track_activity = False

    def initialize(self, status: Callable[[], Mapping[str, object]]) -> None:
        """Take what returns the answer."""
        self._status = status

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Answer with a `ServerStatus`."""
        self.set_header("Cache-Control", "no-store")
        self.finish(dict(self._status()))


class ExtensionHandler(APIHandler):
    """The extension of the server's lifetime, by the hub."""

    auth_resource = "yarnhub"

    def initialize(self, lifetime: HubLifetime, status: Callable[[], Mapping[str, object]]) -> None:
        """Take the lifetime, and what returns the answer."""
        self._lifetime, self._status = lifetime, status

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Extend it, and answer with a `ServerStatus`, or with status 409 and a `message`."""
        try:
            await self._lifetime.extend()
        except NotExtendedError as error:
            self.set_status(409)
            self.finish({"message": str(error)})
        else:
            self.finish(dict(self._status()))


class LogHandler(APIHandler):
    """The last lines of the server's log."""

    auth_resource = "yarnhub"
    _track_activity = False

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Answer with text, from which secrets are removed."""
        self.set_header("Cache-Control", "no-store")
        self.finish({"text": output_tail(LOG_FILE, secrets_of(dict(os.environ), {}))})


class GuideHandler(APIHandler):
    """The guide for users."""

    auth_resource = "yarnhub"

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Answer with Markdown."""
        self.finish({"text": GUIDE_FILE.read_text(encoding="utf-8")})


def handlers(
    base_url: str, status: Callable[[], Mapping[str, object]], lifetime: HubLifetime
) -> list[tuple[str, type[APIHandler], dict[str, object]]]:
    """Return the API below the server's base URL."""
    api = url_path_join(base_url, "yarnhub", "api")
    return [
        (url_path_join(api, "status"), StatusHandler, {"status": status}),
        (
            url_path_join(api, "lifetime"),
            ExtensionHandler,
            {"lifetime": lifetime, "status": status},
        ),
        (url_path_join(api, "log"), LogHandler, {}),
        (url_path_join(api, "guide"), GuideHandler, {}),
    ]
