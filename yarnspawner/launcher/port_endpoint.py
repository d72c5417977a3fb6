"""Where a server that skein started says on which port it listens: `POST .../port`.

skein's own application master registers with YARN, so ours can't tell its port that way. What it
may tell the hub is bound to one start of one server:

- only the API token that was issued to this very start is taken, which is the owner's; nobody
  else's, whatever they may do elsewhere, and none of another start or server;
- only once: the first port stays, also after a restart of the hub;
- only the port, within `port_range`: where the server runs is what YARN says.

Importing this module gives JupyterHub the address.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from jupyterhub.apihandlers import APIHandler, default_handlers
from tornado import web

#: The port that each start has reported, by its spawn tag.
RECEIVED_PORTS: dict[str, int] = {}


@dataclass(frozen=True)
class PortReport:
    """What a start may report, and has reported: of its token the hub's database gets a digest."""

    token_digest: str
    port: int = 0

    @classmethod
    def expected_from(cls, api_token: str) -> PortReport:
        """Expect the port of the start that this token was issued to."""
        return cls(digest(api_token))

    def to_state(self) -> dict[str, Any]:
        """Return what `PortReport(**state)` reads again."""
        return asdict(self)


class ReportRefusedError(Exception):
    """A report that changes nothing: the status of the answer, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def digest(api_token: str) -> str:
    """Return what tells a token apart and does not give it away: tokens are long and random."""
    return hashlib.sha256(api_token.encode()).hexdigest()


def accept(
    expected: PortReport | None, api_token: str, body: bytes, port_range: tuple[int, int] | None
) -> PortReport:
    """Return the report with its port; raises `ReportRefusedError`.

    `expected` is None where this server waits for no report. Who has the wrong token is told
    nothing of that.
    """
    if expected is not None and not hmac.compare_digest(expected.token_digest, digest(api_token)):
        raise ReportRefusedError(403, "Only the server that is being started may report its port.")
    if expected is None:
        raise ReportRefusedError(404, "No server is being started here that would report its port.")
    if expected.port:
        raise ReportRefusedError(409, "The server has reported its port already.")
    return replace(expected, port=_read_port(body, port_range))


def _read_port(body: bytes, port_range: tuple[int, int] | None) -> int:
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict) or set(report) != {"port"} or type(report["port"]) is not int:
        raise ReportRefusedError(400, 'The body has to be {"port": NUMBER}, and nothing more.')
    port: int = report["port"]
    first, last = port_range or (1, 65535)
    if not first <= port <= last:
        raise ReportRefusedError(400, f"Servers may listen on the ports {first} to {last} only.")
    return port


def path(user: str, server: str) -> str:
    """Return the address of a server's report, relative to the hub's API; both names escaped."""
    return f"users/{user}/servers/{server}/port" if server else f"users/{user}/server/port"


def own_spawner(handler: APIHandler, user_name: str, server_name: str) -> Any:
    """Return the spawner of a server whose owner's token the request has."""
    token = handler.get_token()
    user = handler.find_user(user_name)
    owner = token is not None and user is not None and token.user is user.orm_user
    if not owner:
        raise web.HTTPError(403, "Only the server's own token may ask for this.")
    if server_name not in user.orm_spawners:
        raise web.HTTPError(404, "There is no such server.")
    return user.spawners[server_name]


class PortHandler(APIHandler):
    """Takes a server's report of its port."""

    async def post(self, user_name: str, server_name: str = "") -> None:
        """Keep the port, in the hub's database too."""
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
