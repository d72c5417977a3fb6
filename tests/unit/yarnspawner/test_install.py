from __future__ import annotations

from jupyterhub import apihandlers, handlers

import yarnspawner.spawner  # noqa: F401 - registers
from yarnspawner.hub import error_page, token_endpoint
from yarnspawner.launcher import port_endpoint


def test_the_spawner_registers_its_page_and_endpoints_once():
    assert handlers.default_handlers[:1] == error_page.HANDLERS
    registered = [*handlers.default_handlers, *apihandlers.default_handlers]
    for handler in (*error_page.HANDLERS, *port_endpoint.HANDLERS, *token_endpoint.HANDLERS):
        assert registered.count(handler) == 1
