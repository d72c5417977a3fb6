"""What a person sees whose server does not answer while YARN does not either.

JupyterHub's own page says that the server appears to be down, and to start it anew; but the hub has
it running, as nobody can tell, so that one would go round in circles. This page says so.
"""

from __future__ import annotations

from html import escape
from typing import Any

from jupyterhub.handlers import default_handlers
from jupyterhub.handlers.pages import ProxyErrorHandler
from jupyterhub.utils import url_path_join

from yarnspawner.hub.shared import opened_yarn


class UnknownServerHandler(ProxyErrorHandler):
    """JupyterHub's page for what its proxy can't reach, with more to say while YARN is away."""

    def render_template(self, name: str, sync: bool = False, **ns: Any) -> Any:
        """Fill in a page, and in that of a server that is down what is known of YARN."""
        yarn = opened_yarn(self.users.settings)  # what spawners have; ours are a copy
        if ns.get("status_code") == 503 and yarn is not None and yarn.board.is_unknown:
            home = escape(url_path_join(self.hub.base_url, "home"))
            ns["message_html"] = (
                "The server does not answer, and YARN, on which it runs, does not answer the hub "
                "either: nobody can tell whether it still runs. Reload this page in a minute, and "
                "tell an administrator if it stays so. Who does not want to wait stops the server "
                f'<a href="{home}">at the hub</a>: what is not saved is lost then.'
            )
        return super().render_template(name, sync=sync, **ns)


def install() -> None:
    """Put the page before JupyterHub's, in each hub of this process."""
    default_handlers.insert(0, (r"/error/(\d+)", UnknownServerHandler))
