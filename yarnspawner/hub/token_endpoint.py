"""Where a running server gets new delegation tokens: `GET .../tokens`.

Only the API token that was issued to this very start of the server opens it: the owner's other
tokens don't, nor an administrator's. The tokens are those of the user as whom it was submitted.

Importing this module gives JupyterHub the address.
"""

from __future__ import annotations

import hmac

from jupyterhub.apihandlers import APIHandler, default_handlers
from tornado import web

from hadoop_client.security.credentials import Credentials
from yarnspawner.hub.token_cache import TooManyRequestsError
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.launcher.port_endpoint import digest, own_spawner


def path(user: str, server: str) -> str:
    """Return a server's address of its tokens, relative to the hub's API; both names escaped."""
    return f"users/{user}/servers/{server}/tokens" if server else f"users/{user}/server/tokens"


class TokensHandler(APIHandler):
    """Gives a server new tokens of its user."""

    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with a Hadoop token file."""
        spawner = own_spawner(self, user_name, server_name)
        expected = getattr(spawner, "token_digest", "")
        if not expected or not hmac.compare_digest(expected, digest(self.get_auth_token())):
            raise web.HTTPError(403, "Only the server that runs may have its tokens.")
        try:
            tokens = await spawner.fresh_tokens()
        except ClusterError as error:
            raise web.HTTPError(503, str(error)) from error
        except TooManyRequestsError as error:
            refusal = web.HTTPError(429, str(error))
            # JupyterHub sets these headers on the response; those set before are dropped.
            refusal.headers = {"Retry-After": str(error.retry_after)}  # type: ignore[attr-defined]
            raise refusal from error
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", "no-store")
        self.finish(Credentials(tokens).to_bytes())


default_handlers += [
    (r"/api/users/([^/]+)/server/tokens", TokensHandler),
    (r"/api/users/([^/]+)/servers/([^/]+)/tokens", TokensHandler),
]
