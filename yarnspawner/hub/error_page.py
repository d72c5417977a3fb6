"""The page of a server that the proxy cannot reach: it leads to the reason.

The proxy requests the page without the browser's cookies, so it must not contain anything about
the server. It opens a page of the hub, where the user is logged in. That page asks YARN now: if the
server has ended, the hub notices it there, and the server's own address shows the reason.
"""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import unquote, urlencode, urlparse

from jupyterhub.handlers.pages import ProxyErrorHandler
from jupyterhub.utils import url_path_join
from tornado import web

from yarnspawner.hub.pages import YarnPage, may_see
from yarnspawner.hub.shared import opened_yarn
from yarnspawner.hub.status import Liveness
from yarnspawner.hub.submission import Submission
from yarnspawner.jupyterhub_types import User
from yarnspawner.templates import with_ours

#: The oldest view of the running servers that decides whether a server has ended, in seconds.
MAX_AGE_SECONDS = 1.0

#: How long the page waits for YARN.
TIMEOUT_SECONDS = 5.0

PATH = "yarn/not-responding"


class UnreachableServerHandler(ProxyErrorHandler):
    """JupyterHub's page for what the proxy cannot reach."""

    def render_template(self, name: str, sync: bool = False, **ns: object) -> object:
        """Render a page; a 503 leads to the page that finds the reason."""
        if ns.get("status_code") == 503:
            query = urlencode({"url": self.get_argument("url", "")})
            page = escape(f"{url_path_join(self.hub.base_url, PATH)}?{query}")
            ns["message_html"] = (
                f'The server is not responding. <a id="yarn-reason" href="{page}">Find out why</a>.'
                "<script>location.replace(document.getElementById('yarn-reason').href)</script>"
            )
        return super().render_template(name, sync=sync, **ns)


class NotRespondingHandler(YarnPage):
    """Asks YARN for a server that does not respond."""

    @web.authenticated
    async def get(self) -> None:
        """Lead back to the server's address if it has ended; say what is known if not."""
        url = self._validate_next_url(self.get_argument("url", ""))
        owner, name = self._server_at(urlparse(url).path)
        spawner = owner.spawners[name]
        yarn = opened_yarn(self.users.settings)
        is_unknown = yarn is None
        submission = getattr(spawner, "submission", None)
        if spawner.ready and isinstance(submission, Submission) and yarn is not None:
            try:
                look = yarn.board.status(submission, MAX_AGE_SECONDS)
                status = await asyncio.wait_for(look, TIMEOUT_SECONDS)
                is_unknown = status.life is Liveness.UNKNOWN
            except asyncio.TimeoutError:
                is_unknown = True
            if not is_unknown:
                await spawner.poll_and_notify()
        if not spawner.ready:
            self.redirect(url)
            return
        namespace = {
            **self.template_namespace,
            "xsrf_token": self.xsrf_token.decode("ascii"),
            "server": name,
            "server_url": url,
            "is_unknown": is_unknown,
        }
        templates = with_ours(self.settings["jinja2_env"])
        page = templates.get_template("yarn_not_responding.html")
        self.set_status(503)
        self.finish(await page.render_async(namespace))

    def _server_at(self, path: str) -> tuple[User, str]:
        """Return the user and the name of the server at a path; raises `HTTPError` 404 if the
        requester may not see the server."""
        prefix = url_path_join(self.base_url, "user/")
        user_name, _, rest = path.removeprefix(prefix).partition("/")
        owner = self.find_user(unquote(user_name)) if path.startswith(prefix) else None
        if owner is None or not may_see(self, owner.name):
            raise web.HTTPError(404)
        name = unquote(rest.partition("/")[0])
        return owner, name if name in owner.orm_spawners else ""


HANDLERS = [
    (r"/error/(\d+)", UnreachableServerHandler),
    (f"/{PATH}", NotRespondingHandler),
]
