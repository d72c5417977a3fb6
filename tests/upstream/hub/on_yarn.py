"""JupyterHub's own tests, with YarnSpawner in place of its local spawner.

They come with the installed JupyterHub (`jupyterhub.tests`), and all of their spawners derive from
`SimpleLocalProcessSpawner`. As a plugin of pytest this is imported before them, and puts one of
that name there that starts servers in YARN. `WITHOUT` says which tests are left out, and why.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jupyterhub.spawner
import pytest
from jupyterhub.handlers.base import BaseHandler
from traitlets import Integer, Unicode, default

from yarnspawner import YarnSpawner

CONFIG = Path(__file__).with_name("config")

#: How long a request waits for a start or a stop, which takes longer in YARN than at home, unless a
#: test says that it has no patience.
PATIENCE_SECONDS = 60

_LOCAL = "is about a local process"
_EVENTS = "compares with the only event that a local spawner has"

WITHOUT = {
    "test_api::test_progress": _EVENTS,
    "test_api::test_progress_bad_slow": _EVENTS,
    "test_api::test_start_stop_race": "replaces start(), which a busy machine has not called yet",
    "test_api::test_spawn_progress_cutoff": "expects a start within two seconds",
    "test_spawner::test_spawner": "starts a server without a hub",
    "test_spawner::test_stop_spawner_sigint_fails": _LOCAL,
    "test_spawner::test_stop_spawner_stop_now": _LOCAL,
    "test_spawner::test_spawner_poll": _LOCAL,
    "test_spawner::test_popen_kwargs": _LOCAL,
    "test_spawner::test_shell_cmd": _LOCAL,
}


class SimpleLocalProcessSpawner(YarnSpawner):
    """YarnSpawner as far as the tests use what only a local spawner has."""

    home_dir = Unicode()
    interrupt_timeout, term_timeout, kill_timeout = Integer(), Integer(), Integer()

    @default("python_env")
    def _default_python_env(self) -> str:
        return sys.prefix

    @default("contents_manager")
    def _default_contents_manager(self) -> str:
        return ""

    @default("status_interval")
    def _default_status_interval(self) -> float:
        return 0.2

    @default("host_map")
    def _default_host_map(self) -> Any:
        return lambda _: "127.0.0.1"  # what the tests compare with; all nodes are on this machine

    @default("mem_limit")
    def _default_mem_limit(self) -> int:
        return 512 << 20

    @default("cpu_limit")
    def _default_cpu_limit(self) -> None:
        return None

    async def start(self) -> tuple[str, int]:
        url = urlsplit(await super().start())
        assert url.hostname
        assert url.port
        return url.hostname, url.port

    def get_env(self) -> dict[str, Any]:
        env = self.user_env(super().get_env())
        env["JUPYTER_CONFIG_PATH"] = str(CONFIG)  # tests may run as root
        return env

    def user_env(self, env: dict[str, Any]) -> dict[str, Any]:
        if self.home_dir:
            env["HOME"] = self.home_dir
        return env

    async def delete_forever(self) -> None:
        """Ask HDFS for nothing, where these servers have nothing: JupyterHub answers before a named
        server is deleted, and its tests count on that not taking longer than their next call."""
        await self.stop()

    def get_state(self) -> dict[str, Any]:
        """Have a `pid`, by which the tests tell that there is a server."""
        state = super().get_state()
        if self.application_id:
            state["pid"] = int(self.application_id.rpartition("_")[2])
        return state


jupyterhub.spawner.SimpleLocalProcessSpawner = SimpleLocalProcessSpawner
BaseHandler.slow_spawn_timeout = property(
    lambda handler: handler.settings.get("slow_spawn_timeout", PATIENCE_SECONDS)
)
BaseHandler.slow_stop_timeout = property(
    lambda handler: handler.settings.get("slow_stop_timeout", PATIENCE_SECONDS)
)


@pytest.fixture(autouse=True)
def only_pids_are_compared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a server's state the tests know the `pid` only, whose value they set to 0."""
    normalize = getattr(request.module, "normalize_user", None)
    if normalize is None:
        return

    def normalize_user(user: dict[str, Any]) -> dict[str, Any]:
        for server in user["servers"].values():
            if server["state"]:
                server["state"] = {"pid": server["state"]["pid"]}
        return normalize(user)

    monkeypatch.setattr(request.module, "normalize_user", normalize_user)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is in WITHOUT. One that its module doesn't have any more is an error."""
    modules = {item.path.stem: item.module for item in items if isinstance(item, pytest.Function)}
    for name in WITHOUT:
        module, _, function = name.partition("::")
        assert module not in modules or hasattr(modules[module], function), name
    left_out = [item for item in items if f"{item.path.stem}::{item.name}" in WITHOUT]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
