"""The part of a start's page that changes while it waits: `GET /hub/yarn/waiting/USER[/SERVER]`."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.pages import may_see
from yarnspawner.hub.server_card import active_servers, server_cards
from yarnspawner.hub.shared import opened_yarn
from yarnspawner.hub.waiting import Waiting, waiting_of
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.templates import with_ours

#: The oldest report of a start that is shown, in seconds.
MAX_AGE_SECONDS = 1.0

#: How long a page waits for YARN.
TIMEOUT_SECONDS = 3.0


class WaitingHandler(BaseHandler):
    """Shows what a start waits for."""

    @web.authenticated
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with a fragment of HTML, empty if the start has a container or nothing starts."""
        owner = self.find_user(user_name)
        if owner is None or not may_see(self, owner.name):
            raise web.HTTPError(404)
        spawner = owner.spawners.get(server_name)
        yarn = opened_yarn(self.users.settings)
        waiting = None
        if yarn is not None and spawner is not None and spawner.pending == "spawn":
            try:
                look = _waiting(spawner, owner, yarn)
                waiting = await asyncio.wait_for(look, TIMEOUT_SECONDS)
            except (ClusterError, asyncio.TimeoutError):
                waiting = None  # the page asks again
        template = with_ours(self.settings["jinja2_env"]).get_template("yarn_waiting.html")
        self.finish(
            await template.render_async(
                yarn_waiting=waiting, has_form=bool(spawner is not None and spawner.options_form)
            )
        )


async def _waiting(spawner: Any, owner: Any, yarn: HubCluster) -> Waiting | None:
    status = await yarn.board.starting_status(spawner.submission, MAX_AGE_SECONDS)
    if status.report is None:
        return None
    view = await yarn.queue_views.view(yarn.launcher, status.report.queue)
    own = [server for server in active_servers({0: owner}) if server is not spawner]
    return waiting_of(status.report, view, await server_cards(own, yarn))


HANDLERS = [
    (r"/yarn/waiting/([^/]+)", WaitingHandler),
    (r"/yarn/waiting/([^/]+)/([^/]+)", WaitingHandler),
]
