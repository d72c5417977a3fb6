"""An extension of jupyter_server: it guards the memory of a server on YARN, counts its kernels'
work as activity, and tells JupyterLab what the server is.

It does nothing in a server that YarnSpawner did not start.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yarnspawner.lab.activity import count_busy_kernels
from yarnspawner.lab.facts import FACTS_VARIABLE, ServerFacts
from yarnspawner.lab.guard import KernelEnd, MemoryGuard
from yarnspawner.lab.handlers import handlers
from yarnspawner.lab.kernels import (
    connect_quickly,
    encrypt_connections,
    leave_out_working_directory,
    secure_specs,
)
from yarnspawner.lab.lifetime import HubLifetime
from yarnspawner.lab.sentences import kernel_end
from yarnspawner.lab.status import ServerStatus, status
from yarnspawner.lab.terminals import shell_command
from yarnspawner.lab.usage import own_control_group

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

#: Where a wheel with JupyterLab's extension installs it.
LABEXTENSION = "share/jupyter/labextensions/yarnhub"

#: How many ends of kernels are remembered.
MOST_ENDS = 20


class ServerWatch:
    """The guard of a server, and what it has ended."""

    def __init__(self, serverapp: ServerApp, facts: ServerFacts) -> None:
        self._app = serverapp
        self.facts = facts
        self.lifetime = HubLifetime(facts.ends, os.environ)
        #: The last ends of kernels: when (seconds of the epoch), and the sentence for the user.
        self.ends: deque[tuple[float, str]] = deque(maxlen=MOST_ENDS)
        self.guard = MemoryGuard(
            facts.memory,
            facts.memory_margin,
            self._kernel_processes,
            lambda end: serverapp.io_loop.add_callback(self._tell, end),
            own_control_group(os.environ.get("CONTAINER_ID", "")),
        )

    def status(self) -> ServerStatus:
        """Return what JupyterLab shows of the server now."""
        root, guard = self._app.root_dir, self.guard
        self.lifetime.refresh()
        return status(
            self.facts, os.environ, root, guard.used, guard.limit, self.lifetime, self.ends
        )

    def _kernel_processes(self) -> dict[int, str]:
        manager: Any = self._app.kernel_manager
        processes = {}
        for kernel_id in manager.list_kernel_ids():
            kernel = manager.get_kernel(kernel_id) if kernel_id in manager else None
            # A kernel that is started or restarted has none, and a remote one has no process here.
            pid = getattr(getattr(kernel, "provisioner", None), "pid", None)
            if pid:
                processes[pid] = kernel_id
        return processes

    async def _tell(self, end: KernelEnd) -> None:
        sentence = kernel_end(end, await self._title(end.kernel))
        self._app.log.warning("%s", sentence)
        self.ends.append((end.when, sentence))

    async def _title(self, kernel_id: str) -> str:
        sessions: list[dict[str, Any]] = await self._app.session_manager.list_sessions()
        titles = (session["path"] for session in sessions if session["kernel"]["id"] == kernel_id)
        return next(titles, "")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _link_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Set what other extensions read when they are loaded."""
    if FACTS_VARIABLE in os.environ:
        leave_out_working_directory(os.environ)
        settings = serverapp.terminado_settings
        serverapp.terminado_settings = {"shell_command": shell_command(os.environ), **settings}


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    if FACTS_VARIABLE not in os.environ:
        return
    facts = ServerFacts.from_json(os.environ[FACTS_VARIABLE])
    encrypt_connections(serverapp.kernel_manager)
    connect_quickly(serverapp.kernel_manager)
    if serverapp.kernel_spec_manager is not None:
        secure_specs(serverapp.kernel_spec_manager)
    watch = ServerWatch(serverapp, facts)
    watch.guard.start()
    count_busy_kernels(serverapp)
    if not (Path(sys.prefix) / LABEXTENSION).is_dir():
        serverapp.log.warning(
            "JupyterLab shows neither memory nor time left: this environment's yarnhub was built "
            "without Node.js."
        )
    serverapp.web_app.add_handlers(
        ".*$", handlers(serverapp.base_url, watch.status, watch.lifetime)
    )
