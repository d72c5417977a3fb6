"""Whether it is really this server that answers where the hub is about to send its user.

The port is the application master's word, and that runs as the user: it could name the port of
somebody else's server on the same node. A Jupyter server, or a proxy for one, knows the path that
is its own, and says 404 for all others. One that sends the hub elsewhere does know it if it names
its own path again, or asks the hub who comes, as this server.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

from jupyterhub.utils import make_ssl_context
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.simple_httpclient import HTTPTimeoutError

from yarnspawner.failures import ServerUnreachableError
from yarnspawner.jupyterhub_types import HubSettings


async def verify_server_identity(
    url: str, client_id: str, timeout: float, settings: HubSettings
) -> None:
    """Ask the server at `url`, which ends with its own path; raises `ServerUnreachableError` where
    somebody
    else answers, or nobody within `timeout` seconds. `client_id` is what the hub calls it."""
    ssl_options = None
    if url.startswith("https:"):
        ssl_options = make_ssl_context(
            settings["internal_ssl_key"],
            settings["internal_ssl_cert"],
            cafile=settings["internal_ssl_ca"],
        )
    try:
        # One of its own: those of a common client would wait for servers that don't answer.
        with closing(AsyncHTTPClient(force_instance=True)) as client:
            await client.fetch(
                url + "api",
                request_timeout=timeout,
                connect_timeout=timeout,
                follow_redirects=False,
                ssl_options=ssl_options,
            )
    except HTTPClientError as error:
        if isinstance(error, HTTPTimeoutError) or error.code == 599:
            raise _silent(url, timeout) from error
        to = error.response.headers.get("Location", "") if error.response else ""
        strange = 300 <= error.code < 400 and not is_own_redirect(to, urlsplit(url).path, client_id)
        if strange or error.code == 404 or error.code >= 500:
            raise ServerUnreachableError(
                f"What answers at {url} is not this server (it said {error.code}): start it "
                "again, and tell an administrator if it stays so."
            ) from error
    except (OSError, asyncio.TimeoutError) as error:
        raise _silent(url, timeout) from error


def is_own_redirect(location: str, path: str, client_id: str) -> bool:
    """Tell whether who sends the hub to `location` is the server with this path and client id."""
    target = urlsplit(location)
    return target.path.startswith(path) or client_id in parse_qs(target.query).get("client_id", ())


def _silent(url: str, timeout: float) -> ServerUnreachableError:
    return ServerUnreachableError(
        f"The server does not answer at {url} within {timeout:.0f} seconds, although it listens "
        "there: an administrator has to look whether the hub may connect to the nodes "
        "(firewall, c.YarnSpawner.host_map, c.YarnSpawner.port_range)."
    )
