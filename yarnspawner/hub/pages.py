"""JupyterHub's pages of servers, with the reason of the last end.

Each page stays JupyterHub's or the site's own; ours goes on top of its main part. The reason is
shown to the server's user and to administrators of servers, not to users with whom it is shared.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Template
from jupyterhub.handlers.base import BaseHandler, UserUrlHandler
from jupyterhub.handlers.pages import HomeHandler, SpawnHandler

from yarnspawner.hub.last_end import shown_ends
from yarnspawner.templates import with_ours

#: What goes on top of which page of JupyterHub.
PARTS = {
    "home.html": "yarn_last_end.html",
    "not_running.html": "yarn_last_end.html",
    "spawn.html": "yarn_last_end.html",
    "spawn_pending.html": "yarn_last_end.html",
}

TEMPLATE = """
{% extends page %}
{% block main %}{% include part %}{{ super() }}{% endblock main %}
"""


def may_see(handler: BaseHandler, owner: str) -> bool:
    """Return whether this is the server's user or an administrator of the user's servers."""
    user = handler.current_user
    if user is None:
        return False
    return bool(user.name == owner or handler.has_scope(f"admin:servers!user={owner}"))


class YarnPage(BaseHandler):
    """A page of JupyterHub with ours on top of its main part."""

    def get_template(self, name: str, sync: bool = False) -> Template:
        """Return JupyterHub's or the site's template, with our part."""
        page: Template = super().get_template(name, sync)
        if name not in PARTS:
            return page
        names = {"page": page, "part": PARTS[name]}
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
        owner = ns.get("for_user") or ns["user"]
        if ns.get("failed") or not may_see(self, owner.name):
            return {}
        servers = owner.orm_spawners
        names = [self._server_name(ns)] if name != "home.html" else sorted(servers)
        return {"yarn_ends": shown_ends(servers, *names)}

    def _server_name(self, ns: dict[str, Any]) -> str:
        if "server_name" in ns:
            return str(ns["server_name"])
        return self.path_args[1] if len(self.path_args) > 1 else ""


class HomePage(YarnPage, HomeHandler):
    """The user's home page."""


class SpawnPage(YarnPage, SpawnHandler):
    """The form of a start."""


class NotRunningPage(YarnPage, UserUrlHandler):
    """The page at the address of a server that does not run."""


HANDLERS = [
    (r"/home", HomePage),
    (r"/spawn", SpawnPage),
    (r"/spawn/([^/]+)", SpawnPage),
    (r"/spawn/([^/]+)/([^/]+)", SpawnPage),
    (r"/user/(?P<user_name>[^/]+)(?P<user_path>/.*)?", NotRunningPage),
]
