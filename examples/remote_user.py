"""Trusts the log-in of the web server in front of the hub.

remote_user.nginx.conf configures such a server; Apache with REMOTE_USER works as well. The web
server sets two headers in each request, and so replaces those of the browser: the user's name, and
a secret. The secret is needed because every account on the edge node can reach the hub without the
web server. Create it once:

    (umask 077; openssl rand -hex 32 > /etc/jupyterhub/remote_user.secret)
"""

import hmac
from pathlib import Path

from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join
from tornado.web import HTTPError

SECRET = Path("/etc/jupyterhub/remote_user.secret").read_text().strip()


class RemoteUserLogin(BaseHandler):
    """The page at which the web server identifies the user."""

    async def get(self) -> None:
        user = await self.login_user()
        if user is None:
            raise HTTPError(403, "The web server in front of JupyterHub did not say who you are.")
        self.redirect(self.get_next_url(user))


class RemoteUserAuthenticator(Authenticator):
    """Trusts the web server's headers."""

    auto_login = True

    def login_url(self, base_url: str) -> str:
        return url_path_join(base_url, "remote_login")

    def get_handlers(self, app: JupyterHub) -> list[tuple[str, type]]:
        return [("/remote_login", RemoteUserLogin)]

    async def authenticate(self, handler: BaseHandler, data: object = None) -> str | None:
        headers = handler.request.headers
        if not hmac.compare_digest(headers.get("X-Remote-Secret", "").encode(), SECRET.encode()):
            return None
        return headers.get("X-Remote-User") or None


c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # the web server alone is there for people
c.JupyterHub.authenticator_class = RemoteUserAuthenticator
c.Authenticator.allowed_users = {"alice", "bob"}
c.YarnSpawner.python_env = "lab"
