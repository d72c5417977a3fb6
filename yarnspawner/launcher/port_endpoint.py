"""The API endpoint for the port of a server that skein started: `POST .../port`.

skein's application master registers with YARN, so the port cannot be reported with the
registration. The hub accepts a report only under these conditions:

- The request is signed with the key of this start of the server. API tokens are refused, whatever
  their scopes.
- It is the first report. Its port stays, also after a restart of the hub.
- It contains only the port, within `port_range`. The host comes from YARN.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from tornado import web

from yarnspawner.jupyterhub_types import JsonObject
from yarnspawner.launcher.signed_request import SignedRequestHandler, verified_spawner

PURPOSE = "port"

#: The reported ports, by the start's tag. `ServerState` fills it, the skein launcher reads it.
RECEIVED_PORTS: dict[str, int] = {}


@dataclass(frozen=True)
class PortReport:
    """The report that a start may send. `port` is 0 until then."""

    port: int = 0

    def to_state(self) -> JsonObject:
        """Return the report as arguments of `PortReport`, for the hub's database."""
        return asdict(self)


class ReportRefusedError(Exception):
    """A report that was refused, with the HTTP status of the response."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def accept(
    expected: PortReport | None, body: bytes, port_range: tuple[int, int] | None
) -> PortReport:
    """Return the report with its port; raises `ReportRefusedError`.

    `expected` is None if this server is not waiting for a report. The request must have been
    verified.
    """
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


class PortHandler(SignedRequestHandler):
    """Receives a server's port."""

    async def post(self, user_name: str, server_name: str = "") -> None:
        """Store the port in the spawner and in the hub's database."""
        spawner, _ = verified_spawner(self, user_name, server_name, PURPOSE)
        expected = getattr(spawner, "port_report", None) if spawner.pending != "stop" else None
        try:
            report = accept(expected, self.request.body, getattr(spawner, "port_range", None))
        except ReportRefusedError as refused:
            raise web.HTTPError(refused.status, str(refused)) from refused
        spawner.keep_port_report(report)
        self.set_status(204)


HANDLERS = [
    (r"/api/users/([^/]+)/server/port", PortHandler),
    (r"/api/users/([^/]+)/servers/([^/]+)/port", PortHandler),
]
