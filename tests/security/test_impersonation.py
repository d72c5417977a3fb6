"""Whom Hadoop does not let the hub act for."""

from __future__ import annotations

from tests.hadoop.hub import Hub


def test_a_refusal_is_not_asked_for_again(hub: Hub):
    assert "does not let JupyterHub act for mallory" in hub.refuse_server("mallory")
    submits = [line for line in hub.log().splitlines() if '"submitApplication"' in line]
    assert len(submits) == 1, submits
