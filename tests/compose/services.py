"""The services of docker-compose.yml, as tests start them and ask them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compose.engine import run
from yarnhub.demo.browser import Browser

ROOT = Path(__file__).parents[2]


@dataclass
class Compose:
    """They are under a name and at a port of the tests' own."""

    command: list[str]
    environment: dict[str, str]
    wait_until: Callable[..., Any]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['YARNHUB_PORT']}"

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = run([*self.command, *arguments], self.environment, cwd=ROOT)
        if check and done.returncode:
            pytest.fail(
                f"compose {' '.join(arguments)}:\n{done.stdout[-5000:]}{done.stderr[-5000:]}"
            )
        return done

    def up(self, users: str) -> None:
        """Start everything, and return when the hub answers at its published port."""
        self.environment["YARNHUB_USERS"] = users
        self("up", "--detach")
        self.wait_until(self._answers, 240, "the hub answers at its published port")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/hub/health", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def logs(self) -> str:
        return self("logs", "--no-color", "--tail=30", check=False).stdout

    def password(self) -> str:
        return self("exec", "-T", "edge", "cat", "password").stdout.strip()

    @asynccontextmanager
    async def server(self, user: str, password: str | None = None) -> AsyncIterator[Browser]:
        """A browser in which this person has started a server, which ends after it."""
        async with Browser(self.url, user) as browser:
            await browser.log_in(password or self.password())
            async for _ in browser.start_server():
                pass
            try:
                await browser.open_lab()
                yield browser
            finally:  # a node has memory for one
                await browser.stop_server()
