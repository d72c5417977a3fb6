"""Counts a kernel that computes as activity of its server.

jupyter_server counts the messages of kernels. A cell that prints nothing for hours sends none, so
an idle culler would stop the server while the cell runs.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

#: jupyter_server counts the time in each setting with such an end.
SETTING = "yarnhub_last_activity"

#: Seconds between two looks at the kernels. JupyterHub's server reports its activity every 300.
LOOK_SECONDS = 5.0


def count_busy_kernels(serverapp: ServerApp) -> None:
    """Look at the kernels of a server as long as it runs."""
    from tornado.ioloop import PeriodicCallback

    settings, kernels = serverapp.web_app.settings, serverapp.kernel_manager
    look = PeriodicCallback(lambda: note_busy_kernel(settings, kernels), LOOK_SECONDS * 1000)
    look.start()


def note_busy_kernel(settings: MutableMapping[str, Any], kernels: Any) -> None:
    """Set the time of the last activity to now if one of the server's kernels computes.

    `kernels` is the server's manager of kernels.
    """
    managers = map(kernels.get_kernel, kernels.list_kernel_ids())
    # A kernel that has just been started has no state yet.
    if any(getattr(manager, "execution_state", None) == "busy" for manager in managers):
        settings[SETTING] = datetime.now(timezone.utc)
