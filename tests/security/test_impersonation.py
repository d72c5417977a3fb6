"""Whom Hadoop does not let the hub act for."""

from __future__ import annotations

from typing import Any

from tests.hadoop.hub import Hub

ELSEWHERE = """
from asyncio import BaseEventLoop
connect = BaseEventLoop.create_connection
BaseEventLoop.create_connection = (
    lambda *args, **named: connect(*args, local_addr=("127.0.0.9", 0), **named)
)
"""


def test_a_refusal_is_not_asked_for_again(hub: Hub):
    assert "does not let JupyterHub act for mallory" in hub.refuse_server("mallory")
    submits = [line for line in hub.log().splitlines() if '"submitApplication"' in line]
    assert len(submits) == 1, submits


def test_a_hub_on_another_host_than_hadoop_allows_is_told_so(make_hub: Any):
    message = make_hub(ELSEWHERE).refuse_server("alice")
    assert "does not let JupyterHub act for alice" in message
    assert "127.0.0.9" in message
