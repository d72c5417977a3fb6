"""The API endpoint of a server's lifetime: `GET .../lifetime` reads it, `POST` extends it.

It needs the scope `users:activity` for the server's user, which the server's own token has: an
extension says that the server is in use.
"""

from __future__ import annotations

import json
from typing import Any

from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.lifetime import Lifetime, NotExtensibleError
from yarnspawner.hub.server_card import is_active
from yarnspawner.hub.shared import opened_yarn
from yarnspawner.hub.status import Liveness
from yarnspawner.launcher.interface import ClusterError


class LifetimeHandler(APIHandler):
    """Tells when YARN ends a server, and extends that."""

    @needs_scope("users:activity")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with `ends_ms` and `latest_ms`, as of the hub's last view of its servers."""
        spawner, yarn = self._running(user_name, server_name)
        status = await yarn.board.status(spawner.submission, spawner.status_interval)
        if status.report is None or status.life is not Liveness.ALIVE:
            raise web.HTTPError(503, "YARN does not report the server now.")
        self._answer(Lifetime.of(status.report, spawner.summary))

    @needs_scope("users:activity")  # type: ignore[untyped-decorator]
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Extend the lifetime, and answer with `ends_ms` and `latest_ms` after that."""
        spawner, yarn = self._running(user_name, server_name)
        try:
            self._answer(await yarn.extensions.extend(spawner, yarn.launcher))
        except NotExtensibleError as error:
            raise web.HTTPError(409, str(error)) from error
        except ClusterError as error:
            raise web.HTTPError(503, str(error)) from error

    def _running(self, user_name: str, server_name: str) -> tuple[Any, HubCluster]:
        """Return the spawner of a server that runs."""
        owner = self.find_user(user_name)
        spawner: Any = owner.spawners.get(server_name) if owner is not None else None
        yarn = opened_yarn(self.users.settings)
        if yarn is None or not is_active(spawner) or not spawner.ready:
            raise web.HTTPError(404, "No such server runs.")
        return spawner, yarn

    def _answer(self, lifetime: Lifetime) -> None:
        self.finish(json.dumps(lifetime.to_json()))


HANDLERS = [
    (r"/api/users/([^/]+)/server/lifetime", LifetimeHandler),
    (r"/api/users/([^/]+)/servers/([^/]+)/lifetime", LifetimeHandler),
]
