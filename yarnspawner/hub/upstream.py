"""Works around defects of JupyterHub, until its releases do not have them.

- At the hub's start JupyterHub compares versions with each running server. A server that sends an
  `X-JupyterHub-Version` that is not a version raises out of that check, and the hub does not start.
- At the hub's start JupyterHub ends each running server that does not answer it, with no way for
  the spawner to keep it.
- JupyterHub logs the ids of users' sessions at level INFO.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace

import jupyterhub
from jupyterhub import user

from yarnspawner.container.singleuser import hide_session_ids
from yarnspawner.jupyterhub_types import Server

_check_version = user._check_version


def check_version(hub_version: str, server_version: str | None, log: logging.Logger) -> None:
    """Compare versions as JupyterHub does; whatever a server sends raises nothing."""
    try:
        _check_version(hub_version, server_version, log)
    except Exception as error:  # noqa: BLE001 - the version is any text of the user's server
        log.warning("A server's version of JupyterHub is not a version (%s)", type(error).__name__)


def skip_wait_up(server: Server) -> None:
    """Let JupyterHub's next wait for this server end at once, with success."""

    async def wait_up(*_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(headers={"X-JupyterHub-Version": jupyterhub.__version__})

    server.wait_up = wait_up


def install() -> None:
    """Put our functions in the place of JupyterHub's, in each hub of this process."""
    user._check_version = check_version
    hide_session_ids()
