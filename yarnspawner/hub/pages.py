"""JupyterHub's pages of servers: with the reason of the last end, a card for each server, and a
link to the guide for users.

Each page stays JupyterHub's or the site's own; ours goes on top of its main part. The reason is
shown to the server's user and to administrators of servers, not to users with whom it is shared.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from jinja2 import Template
from jupyterhub.handlers.base import BaseHandler, UserUrlHandler
from jupyterhub.handlers.pages import HomeHandler, SpawnHandler
from jupyterhub.utils import url_escape_path, url_path_join

from hadoop_client.printable import printable
from yarnspawner.failures import SpawnError
from yarnspawner.hub.last_end import shown_ends
from yarnspawner.hub.server_card import ServerCard, active_servers, server_cards
from yarnspawner.hub.shared import opened_yarn
from yarnspawner.jupyterhub_types import User
from yarnspawner.profiles.options import ProfileOptions
from yarnspawner.templates import with_ours

#: What goes on top of which page of JupyterHub.
PARTS = {
    "admin.html": "yarn_admin.html",
    "home.html": "yarn_home.html",
    "not_running.html": "yarn_last_end.html",
    "spawn.html": "yarn_last_end.html",
    "spawn_pending.html": "yarn_last_end.html",
}

#: What goes below the page.
AFTER = {"spawn_pending.html": "yarn_start.html"}

#: The arguments of JupyterHub's form and links that are no options of a server.
NOT_OPTIONS = ("_xsrf", "next", "display_name")

TEMPLATE = """
{% extends page %}
{% block nav_bar_left_items %}
  {{ super() }}
  {% include "yarn_guide_link.html" %}
{% endblock nav_bar_left_items %}
{% block main %}
  {% include part %}
  {{ super() }}
  {% if after %}{% include after %}{% endif %}
{% endblock main %}
"""


def may_see(handler: BaseHandler, owner: str) -> bool:
    """Return whether this is the server's user or an administrator of the user's servers."""
    user = handler.current_user
    if user is None:
        return False
    return bool(user.name == owner or handler.has_scope(f"admin:servers!user={owner}"))


def log_url(hub_base_url: str, escaped_user: str, server: str) -> str:
    """Return the address of the end of a server's output."""
    url: str = url_path_join(hub_base_url, "yarn/log", escaped_user)
    return f"{url}/{url_escape_path(server)}" if server else url


class YarnPage(BaseHandler):
    """A page of JupyterHub with ours on top of its main part."""

    def get_template(self, name: str, sync: bool = False) -> Template:
        """Return JupyterHub's or the site's template, with our part."""
        page: Template = super().get_template(name, sync)
        if name not in PARTS:
            return page
        names = {"page": page, "part": PARTS[name], "after": AFTER.get(name)}
        return with_ours(page.environment).from_string(self.page_template(), globals=names)

    def page_template(self) -> str:
        """Return the template that joins `page` and `part`."""
        return TEMPLATE

    def render_template(self, name: str, sync: bool = False, **ns: Any) -> object:
        """Render a page; one of a server gets the values of our part."""
        if name in PARTS:
            ns = {**self._values(name, ns), **ns}
        return super().render_template(name, sync, **ns)

    def _values(self, name: str, ns: dict[str, Any]) -> dict[str, object]:
        owner = ns.get("for_user") or ns.get("user")
        if owner is None or ns.get("failed") or not may_see(self, owner.name):
            return {}
        servers = owner.orm_spawners
        names = [self._server_name(ns)] if name != "home.html" else sorted(servers)
        return {"yarn_ends": shown_ends(servers, *names)}

    def _server_name(self, ns: dict[str, Any]) -> str:
        if "server_name" in ns:
            return str(ns["server_name"])
        return self.path_args[1] if len(self.path_args) > 1 else ""


@dataclass(frozen=True)
class HomeCard:
    """A server's card as the template shows it."""

    name: str
    label: str
    state: str
    url: str
    log_url: str
    rows: list[tuple[str, str]]
    links: list[tuple[str, str]]


class HomePage(YarnPage, HomeHandler):
    """The user's home page."""

    def render_template(self, name: str, sync: bool = False, **ns: Any) -> object:
        """Render the page; the user's active servers get a card each."""
        if name == "home.html" and not sync:
            return self._with_cards(name, ns)
        return super().render_template(name, sync, **ns)

    async def _with_cards(self, name: str, ns: dict[str, Any]) -> object:
        user = ns["user"]
        servers = active_servers({0: user})
        cards = await server_cards(servers, opened_yarn(self.users.settings))
        ns["yarn_cards"] = [self._shown(user, card) for card in cards]
        page: Any = super().render_template(name, False, **ns)
        return await page

    def _shown(self, user: User, card: ServerCard) -> HomeCard:
        return HomeCard(
            printable(card.name),
            card.label,
            card.state,
            user.server_url(card.name),
            log_url(self.hub.base_url, user.escaped_name, card.name),
            card.rows(time.time()),
            card.links,
        )


class SpawnPage(YarnPage, SpawnHandler):
    """The form of a start. After a refusal it shows what was given, and marks what is wrong."""

    _failure: SpawnError | None = None

    async def _wrap_spawn_single_user(self, *args: Any, **kwargs: Any) -> object:
        try:
            return await super()._wrap_spawn_single_user(*args, **kwargs)
        except SpawnError as failure:
            self._failure = failure
            raise

    async def _render_form(
        self, for_user: User, spawner_options_form: str, *args: Any, **kwargs: Any
    ) -> object:
        # JupyterHub renders the form of the default server, also for a named one.
        spawner = for_user.spawners.get(self._server_name({}))
        form = ""
        if (given := self._given()) and isinstance(spawner, ProfileOptions):
            form = await spawner.refused_form(given, self._failure)
        form = form or spawner_options_form
        return await super()._render_form(for_user, form, *args, **kwargs)

    def _given(self) -> dict[str, list[str]]:
        """Return the fields of the form or the query that asked for a start; empty without."""
        is_form = self.request.method == "POST"
        arguments = self.request.body_arguments if is_form else self.request.query_arguments
        return {
            name.removeprefix("opt-"): [value.decode(errors="replace") for value in values]
            for name, values in arguments.items()
            if name not in NOT_OPTIONS
        }


class NotRunningPage(YarnPage, UserUrlHandler):
    """The page at the address of a server that does not run."""


HANDLERS = [
    (r"/home", HomePage),
    (r"/spawn", SpawnPage),
    (r"/spawn/([^/]+)", SpawnPage),
    (r"/spawn/([^/]+)/([^/]+)", SpawnPage),
    (r"/user/(?P<user_name>[^/]+)(?P<user_path>/.*)?", NotRunningPage),
]
