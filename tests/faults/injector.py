"""Named points of a start at which a hub can be killed, as a crash or an admin's `kill -9` would.

`die(POINT)` is called in a hub's configuration file. A point is "before" or "after" one of the
awaits between the request for a server and the moment when it is ready. What the hub awaits while
nobody has asked for a server does no harm to it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import yarnspawner.launch_builder
import yarnspawner.spawner
from yarnspawner.launcher.direct import DirectLauncher
from yarnspawner.spawner import YarnSpawner

AWAITS: dict[str, tuple[Any, str]] = {
    "looking up the environment": (yarnspawner.launch_builder, "find_environment"),
    "asking for an application id": (DirectLauncher, "new_application"),
    "submitting": (DirectLauncher, "submit"),
    "looking at all that start": (DirectLauncher, "list_applications"),
    "asking for the server's report": (DirectLauncher, "report"),
    "asking for the container": (DirectLauncher, "container"),
    "asking the server itself": (yarnspawner.spawner, "verify_server_identity"),
}
POINTS = tuple(f"{when} {what}" for what in AWAITS for when in ("before", "after"))


def die(point: str) -> None:
    """Kill this process when a start comes to `point`."""
    when, _, what = point.partition(" ")
    owner, name = AWAITS[what]
    start = YarnSpawner.start

    async def deadly_start(spawner: YarnSpawner) -> str:
        setattr(owner, name, _dying(getattr(owner, name), before=when == "before"))
        return await start(spawner)

    YarnSpawner.start = deadly_start  # type: ignore[method-assign]


def _dying(function: Callable[..., Awaitable[Any]], *, before: bool) -> Callable[..., Any]:
    async def dying(*args: Any, **kwargs: Any) -> Any:
        if not before:
            await function(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return dying
