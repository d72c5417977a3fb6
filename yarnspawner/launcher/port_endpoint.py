"""The API endpoint for the port of a server that skein started: `POST .../port`.

skein's application master registers with YARN, so the port cannot be reported with the
registration. The hub accepts a report only under these conditions:

- The request has the API token that was issued to this start of the server. Tokens of other users,
  other servers and earlier starts are refused, whatever their scopes.
- It is the first report. Its port stays, also after a restart of the hub.
- It contains only the port, within `port_range`. The host comes from YARN.

Importing this module adds the endpoint to JupyterHub.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from jupyterhub.apihandlers import APIHandler, default_handlers
from tornado import web

from yarnspawner.jupyterhub_types import JsonObject

#: The reported ports, by the start's tag. `ServerState` fills it, the skein launcher reads it.
RECEIVED_PORTS: dict[str, int] = {}


@dataclass(frozen=True)
class PortReport:
    """The report that a start may send. `port` is 0 until then; the database gets only a digest of
    the token."""

    token_digest: str
    port: int = 0

    @classmethod
    def expected_from(cls, api_token: str) -> PortReport:
        """Return the report to expect from the start that has this token."""
        return cls(digest(api_token))

    def to_state(self) -> JsonObject:
        """Return the report as arguments of `PortReport`, for the hub's database."""
        return asdict(self)


class ReportRefusedError(Exception):
    """A report that was refused, with the HTTP status of the response."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def digest(api_token: str) -> str:
    """Return a digest of a token. It needs no salt, because tokens are long and random."""
    return hashlib.sha256(api_token.encode()).hexdigest()


def accept(
    expected: PortReport | None, api_token: str, body: bytes, port_range: tuple[int, int] | None
) -> PortReport:
    """Return the report with its port; raises `ReportRefusedError`.

    `expected` is None if this server is not waiting for a report. A wrong token is refused with the
    same error whether the port was reported or not.
    """
    if expected is not None and not hmac.compare_digest(expected.token_digest, digest(api_token)):
        raise ReportRefusedError(403, "Only the server that is starting may report its port.")
    if expected is None:
        raise ReportRefusedError(404, "This server is not waiting for a port.")
    if expected.port:
        raise ReportRefusedError(409, "The server has already reported its port.")
    return replace(expected, port=_read_port(body, port_range))


def _read_port(body: bytes, port_range: tuple[int, int] | None) -> int:
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict) or set(report) != {"port"} or type(report["port"]) is not int:
        raise ReportRefusedError(400, 'The body must be {"port": NUMBER}.')
    port: int = report["port"]
    first, last = port_range or (1, 65535)
    if not first <= port <= last:
        raise ReportRefusedError(400, f"The port must be between {first} and {last}.")
    return port


def path(user: str, server: str) -> str:
    """Return the endpoint's path, relative to the hub's API; both names must be escaped."""
    return f"users/{user}/servers/{server}/port" if server else f"users/{user}/server/port"


def own_spawner(handler: APIHandler, user_name: str, server_name: str) -> Any:
    """Return a server's spawner if the request has a token of its owner; raises `HTTPError`."""
    token = handler.get_token()
    user = handler.find_user(user_name)
    is_owner = token is not None and user is not None and token.user is user.orm_user
    if not is_owner:
        raise web.HTTPError(403, "Only the server's own token has access.")
    if server_name not in user.orm_spawners:
        raise web.HTTPError(404, "The server does not exist.")
    return user.spawners[server_name]


class PortHandler(APIHandler):
    """Receives a server's port."""

    async def post(self, user_name: str, server_name: str = "") -> None:
        """Store the port in the spawner and in the hub's database."""
        spawner = own_spawner(self, user_name, server_name)
        expected = getattr(spawner, "port_report", None) if spawner.pending != "stop" else None
        try:
            report = accept(
                expected,
                self.get_auth_token(),
                self.request.body,
                getattr(spawner, "port_range", None),
            )
        except ReportRefusedError as refused:
            raise web.HTTPError(refused.status, str(refused)) from refused
        spawner.keep_port_report(report)
        self.set_status(204)


default_handlers += [
    (r"/api/users/([^/]+)/server/port", PortHandler),
    (r"/api/users/([^/]+)/servers/([^/]+)/port", PortHandler),
]
