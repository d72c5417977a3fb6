from __future__ import annotations

from jupyterhub import apihandlers, handlers

import yarnspawner.spawner  # noqa: F401 - registers
from yarnspawner.hub import error_page, pending_page, token_endpoint
from yarnspawner.launcher import port_endpoint


def test_the_spawner_registers_its_pages_and_endpoints_once():
    pages = [*error_page.HANDLERS, *pending_page.HANDLERS]
    assert handlers.default_handlers[: len(pages)] == pages
    registered = [*handlers.default_handlers, *apihandlers.default_handlers]
    for handler in (*pages, *port_endpoint.HANDLERS, *token_endpoint.HANDLERS):
        assert registered.count(handler) == 1
