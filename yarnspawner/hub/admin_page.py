"""The administrators' page of all active servers of the hub on YARN: `/hub/yarn/servers`."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import AdminHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_escape_path, url_path_join
from tornado import web

from yarnspawner.hub.pages import YarnPage, log_url
from yarnspawner.hub.readable import memory
from yarnspawner.hub.server_card import ServerCard, active_servers, memory_in_use, server_cards
from yarnspawner.hub.shared import opened_yarn
from yarnspawner.templates import with_ours


@dataclass(frozen=True)
class AdminRow:
    """A server as the template shows it."""

    label: str
    size: str
    used: str
    queue: str
    node: str
    age: str
    state: str
    log_url: str
    stop_url: str


class AdminPage(YarnPage, AdminHandler):
    """JupyterHub's page for administrators, with a link to ours."""


class ServersPage(BaseHandler):
    """All active servers, with their logs and a button that stops each."""

    @web.authenticated
    @needs_scope("admin-ui")  # type: ignore[untyped-decorator]
    @needs_scope("admin:servers")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Answer with the page."""
        servers = active_servers(self.users)
        cards = await server_cards(servers, opened_yarn(self.users.settings))
        template = with_ours(self.settings["jinja2_env"]).get_template("yarn_servers.html")
        now = time.time()
        self.finish(
            await template.render_async(
                **self.template_namespace,
                xsrf_token=self.xsrf_token.decode("ascii"),
                servers=[self._row(card, now) for card in cards],
                granted=memory(sum(card.memory_mb for card in cards)),
                used=memory_in_use(cards),
            )
        )

    def _row(self, card: ServerCard, now: float) -> AdminRow:
        user, server = url_escape_path(card.user), url_escape_path(card.name)
        base = self.hub.base_url
        stop = url_path_join(base, "api/users", user, "servers" if server else "server", server)
        return AdminRow(
            card.label,
            card.size,
            card.used,
            card.queue or card.summary.queue,
            card.node,
            card.age(now),
            card.state,
            log_url(base, user, card.name),
            stop.rstrip("/"),
        )


HANDLERS = [(r"/admin", AdminPage), (r"/yarn/servers", ServersPage)]
