"""Notes which user or service asks the hub to stop a server, for the reason of its end.

JupyterHub does not tell a spawner. All requests, those of pages, of its API and of a log-out, pass
`BaseHandler.stop_single_user`.
"""

from __future__ import annotations

from jupyterhub.handlers.base import BaseHandler

from yarnspawner.endings import Requester
from yarnspawner.jupyterhub_types import User

#: The attribute of `ServerState`, and without effect on another spawner.
ATTRIBUTE = "stop_requester"

_stop_single_user = BaseHandler.stop_single_user


async def stop_single_user(handler: BaseHandler, user: User, server_name: str = "") -> object:
    """Stop a server as JupyterHub does, and let its spawner know the requester."""
    spawner = user.spawners.get(server_name)
    requester = handler.current_user
    if spawner is not None and requester is not None:
        is_service = getattr(requester, "kind", "user") == "service"
        setattr(spawner, ATTRIBUTE, Requester(requester.name, is_service))
    return await _stop_single_user(handler, user, server_name)


def install() -> None:
    """Put our function in the place of JupyterHub's, in each hub of this process."""
    BaseHandler.stop_single_user = stop_single_user
