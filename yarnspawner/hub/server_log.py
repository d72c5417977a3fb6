"""The end of a server's output, as text at `/hub/yarn/log/USER[/SERVER]`.

For the server's user and administrators of servers, in a browser: API tokens are not accepted. A
running server's output comes from its node; of one that has ended the hub has the reason and the
last lines. A request never waits longer than `TIMEOUT_SECONDS` for a node, and few are made at the
same time.
"""

from __future__ import annotations

import asyncio
import shlex
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from hadoop_client.printable import LINES, printable
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.last_end import last_end
from yarnspawner.hub.pages import may_see
from yarnspawner.hub.readable import utc
from yarnspawner.hub.shared import opened_yarn
from yarnspawner.jupyterhub_types import OrmSpawner
from yarnspawner.launcher.interface import ClusterError, Container
from yarnspawner.launcher.node_rest import get_end_from_node, node_url
from yarnspawner.node_logs import STREAMS, contents, stream_path

TIMEOUT_SECONDS = 10.0

#: The end of each stream that is shown.
LAST_BYTES = 64 << 10

#: What a node adds to a stream.
MARGIN_BYTES = 2048

#: How many logs the hub reads from nodes at the same time.
MOST_AT_ONCE = 4

_slots = asyncio.Semaphore(MOST_AT_ONCE)


class LogPage(BaseHandler):
    """Shows the end of a server's output."""

    @web.authenticated
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with text; status 404 to users who may not see it."""
        owner = self.find_user(user_name)
        if owner is None or not may_see(self, owner.name) or server_name not in owner.orm_spawners:
            raise web.HTTPError(404)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        yarn = opened_yarn(self.users.settings)
        spawner = owner.spawners.get(server_name)
        if spawner is not None and spawner.active:
            self.finish(await _running(spawner, yarn))
        else:
            self.finish(_ended(owner.orm_spawners[server_name], owner.name))


async def _running(spawner: Any, yarn: HubCluster | None) -> str:
    """Return the output of an active server."""
    container = None
    if yarn is not None and spawner.application_id:
        status = await yarn.board.status(spawner.submission, spawner.status_interval)
        try:
            container = await yarn.container(status.report) if status.report else None
        except ClusterError as error:
            return f"{error}\n"
    if yarn is None or container is None:
        return "YARN reports no container of the server yet.\n"
    if not container.node_http:
        return "The hub does not know the server's node. See the server's log in YARN.\n"
    return await container_log(container, yarn.hub_user)


async def container_log(container: Container, user: str) -> str:
    """Return the end of each stream of a container, or why the node did not return it."""
    async with _slots:
        parts = [await _stream(container, stream, user) for stream in STREAMS]
    return "\n".join(parts)


async def _stream(container: Container, stream: str, user: str) -> str:
    path = stream_path(container.container_id, stream, LAST_BYTES, user)
    try:
        answer = await get_end_from_node(
            node_url(container.node_http, path), TIMEOUT_SECONDS, LAST_BYTES + MARGIN_BYTES
        )
    except Exception as error:  # noqa: BLE001 (an answer of any kind, of a node that may not be YARN's)
        reason = printable(str(error) or type(error).__name__)
        return f"==> {stream}: node {container.host} did not return it ({reason}).\n"
    text = contents(answer.decode(errors="replace"), stream)[-LAST_BYTES:]
    # Each character is looked at, which takes a while.
    shown = await asyncio.to_thread(printable, text, keep=LINES, limit=None)
    return f"==> {stream} of {container.container_id} on {container.host}\n{shown}\n"


def _ended(server: OrmSpawner, user: str) -> str:
    """Return why a server has ended, and its last lines."""
    end = last_end(server)
    if end is None:
        return "The server does not run, and the hub knows of no end of it.\n"
    lines = [f"{utc(end.ended_ms)}: {end.sentence}"]
    if end.output:
        lines += ["", "==> last output", end.output]
    if end.application_id:
        lines += [
            "",
            "The whole log, if the cluster collects logs:",
            f"  yarn logs -applicationId {end.application_id} -appOwner {shlex.quote(user)}",
        ]
    return printable("\n".join(lines), keep=LINES, limit=None) + "\n"


HANDLERS = [
    (r"/yarn/log/([^/]+)", LogPage),
    (r"/yarn/log/([^/]+)/([^/]+)", LogPage),
]
