"""The API endpoint of what a server is and why it has ended: `GET .../yarn`.

It needs the scope `read:servers` for the server, which its user has.
"""

from __future__ import annotations

import json

from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from yarnspawner.hub.last_end import last_end
from yarnspawner.hub.server_card import active_servers, server_cards
from yarnspawner.hub.shared import opened_yarn


class ServerHandler(APIHandler):
    """Describes one server."""

    @needs_scope("read:servers")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with `server` (null if it does not run) and `last_end` (null if there is none)."""
        owner = self.find_user(user_name)
        if owner is None or server_name not in owner.orm_spawners:
            raise web.HTTPError(404)
        servers = active_servers({0: owner})
        active = [server for server in servers if server.name == server_name]
        cards = await server_cards(active, opened_yarn(self.users.settings))
        end = last_end(owner.orm_spawners[server_name])
        self.finish(
            json.dumps(
                {
                    "server": cards[0].to_json() if cards else None,
                    "last_end": end.to_state() if end is not None else None,
                }
            )
        )


HANDLERS = [
    (r"/api/users/([^/]+)/server/yarn", ServerHandler),
    (r"/api/users/([^/]+)/servers/([^/]+)/yarn", ServerHandler),
]
