"""Registers yarnspawner's pages, API endpoints and reconciler with each hub of this process.

JupyterHub has no interface for this, so they are added to its lists of handlers, which a hub reads
after it has imported its spawner's class.
"""

from __future__ import annotations

from jupyterhub import apihandlers, handlers

from yarnspawner.hub import (
    admin_page,
    error_page,
    guide_page,
    lifetime_api,
    pages,
    pending_page,
    requester,
    server_api,
    server_log,
    token_endpoint,
    upstream,
    waiting_page,
)
from yarnspawner.hub.shared import start_with_hub
from yarnspawner.launcher import port_endpoint
from yarnspawner.settings import YarnSpawnerSettings


def install(options: type[YarnSpawnerSettings]) -> None:
    """Register everything; called once, with the spawner's class."""
    # First, because they override JupyterHub's.
    ours = [*error_page.HANDLERS, *pages.HANDLERS, *pending_page.HANDLERS, *admin_page.HANDLERS]
    handlers.default_handlers[:0] = ours
    handlers.default_handlers.extend(
        [*server_log.HANDLERS, *waiting_page.HANDLERS, *guide_page.HANDLERS]
    )
    apihandlers.default_handlers.extend(
        [
            *port_endpoint.HANDLERS,
            *token_endpoint.HANDLERS,
            *server_api.HANDLERS,
            *lifetime_api.HANDLERS,
        ]
    )
    upstream.install()
    requester.install()
    start_with_hub(options)
