"""A server outlives what keeps its tokens from being replaced in time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yarnspawner.container.payload import Launch
from yarnspawner.container.tokens import TokenRefresh


def test_a_process_that_can_not_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., Any]
):
    python, told = tmp_path / "python", tmp_path / "told"
    monkeypatch.setattr(sys, "executable", str(python))
    launch = Launch([], {}, [], token_path="tokens", token_refresh_seconds=1000)
    refresh = TokenRefresh(launch, "program", {})
    refresh.due = time.monotonic()
    refresh.tick()
    assert time.monotonic() < refresh.due < float("inf")
    python.write_text(f"#!/bin/sh\n: > {told}\n")
    python.chmod(0o700)
    refresh.due = time.monotonic()
    refresh.tick()
    wait_until(told.exists, 30, "the process")
