"""The API endpoint for a running server's new delegation tokens: `GET .../tokens`.

Only the container of this start has access, with the key of its start: no API token opens the
endpoint, not even the server's own or an administrator's. The tokens are those of the user as whom
the server was submitted. They are encrypted for this one request, because the connection may not
be: see `yarnspawner.container.sealing`.
"""

from __future__ import annotations

from tornado import web

from hadoop_client.security.credentials import Credentials
from yarnspawner.container.sealing import seal
from yarnspawner.hub.token_cache import TooManyRequestsError
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.launcher.signed_request import SignedRequestHandler, verified_spawner

PURPOSE = "tokens"


def path(user: str, server: str) -> str:
    """Return a server's address of its tokens, relative to the hub's API; both names escaped."""
    return f"users/{user}/servers/{server}/tokens" if server else f"users/{user}/server/tokens"


class TokensHandler(SignedRequestHandler):
    """Gives a server new tokens of its user."""

    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with a sealed Hadoop token file."""
        spawner, nonce = verified_spawner(self, user_name, server_name, PURPOSE)
        key = spawner.start_key
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
        self.finish(seal(key, nonce, Credentials(tokens).to_bytes()))


HANDLERS = [
    (r"/api/users/([^/]+)/server/tokens", TokensHandler),
    (r"/api/users/([^/]+)/servers/([^/]+)/tokens", TokensHandler),
]
