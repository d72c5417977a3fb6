"""The page of a server that does not answer while YARN does not answer either.

JupyterHub's own page says that the server appears to be down and offers to start it again. The hub
still counts the server as running in that case, so a start would only lead back to that page.
"""

from __future__ import annotations

from html import escape

from jupyterhub.handlers.pages import ProxyErrorHandler
from jupyterhub.utils import url_path_join

from yarnspawner.hub.shared import opened_yarn


class UnknownServerHandler(ProxyErrorHandler):
    """JupyterHub's page for a server that the proxy cannot reach, with YARN's state."""

    def render_template(self, name: str, sync: bool = False, **ns: object) -> object:
        """Render a page; a 503 while the state of servers is unknown gets a message of ours."""
        # The settings that spawners have: the handler's own are a copy.
        yarn = opened_yarn(self.users.settings)
        if ns.get("status_code") == 503 and yarn is not None and yarn.board.is_unknown:
            home = escape(url_path_join(self.hub.base_url, "home"))
            ns["message_html"] = (
                "The server is not responding, and neither is YARN, so JupyterHub cannot tell "
                "whether it is still running. Reload this page in a minute. If the problem "
                "persists, contact an administrator. You can also stop the server on the "
                f'<a href="{home}">home page</a>, but unsaved work will be lost.'
            )
        return super().render_template(name, sync=sync, **ns)


HANDLERS = [(r"/error/(\d+)", UnknownServerHandler)]
