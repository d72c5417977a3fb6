from __future__ import annotations

from unittest.mock import Mock

import pytest
from jupyterhub import _xsrf_utils, apihandlers, handlers
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler

import yarnspawner.spawner  # noqa: F401 - registers
from yarnspawner.hub import admin_page, error_page, pages, pending_page, token_endpoint
from yarnspawner.launcher import port_endpoint


def test_the_spawner_registers_its_pages_and_endpoints_once():
    pages_with_servers = [*pages.HANDLERS, *pending_page.HANDLERS, *admin_page.HANDLERS]
    ours = [*error_page.HANDLERS, *pages_with_servers]
    assert handlers.default_handlers[: len(ours)] == ours
    registered = [*handlers.default_handlers, *apihandlers.default_handlers]
    for handler in (*ours, *port_endpoint.HANDLERS, *token_endpoint.HANDLERS):
        assert registered.count(handler) == 1


def test_jupyterhub_does_not_log_the_id_of_a_session(caplog: pytest.LogCaptureFixture):
    start = RequestStartLine("GET", "/", "HTTP/1.1")
    headers = HTTPHeaders({"Host": "hub.example"})
    request = HTTPServerRequest(start_line=start, headers=headers, connection=Mock())
    handler = RequestHandler(Application(cookie_secret="secret"), request)
    with caplog.at_level("INFO"):
        _xsrf_utils._set_xsrf_cookie(handler, b"id-of-a-session:id-of-a-user", cookie_path="/hub/")
        _xsrf_utils.app_log.info("another line")
    assert caplog.messages == ["another line"]
