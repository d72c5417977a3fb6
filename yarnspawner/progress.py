"""What YARN is doing while a server starts, told as it happens to everybody who watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from yarnspawner.failures import CONTAINER_STARTED
from yarnspawner.hadoop.records import ApplicationState
from yarnspawner.hadoop.reports import ApplicationReport

Event = dict[str, Any]
"""As JupyterHub wants it: `progress` in percent, `message`."""


class ProgressLog:
    """The events of one start: each follower gets all of them, from the first one on."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._closed = False
        self._changed = asyncio.Event()

    def add(self, event: Event) -> None:
        """Append an event, unless it says what the last one said."""
        if not self._events or self._events[-1] != event:
            self._events.append(event)
            self._wake()

    def close(self) -> None:
        """End all followers: the start is over."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self) -> AsyncIterator[Event]:
        """Yield all events, past and to come."""
        seen = 0
        while True:
            changed = self._changed
            while seen < len(self._events):
                seen += 1
                yield self._events[seen - 1]
            if self._closed:
                return
            await changed.wait()


def describe(report: ApplicationReport, application_id: str) -> Event:
    """Say where an application stands."""
    queue = report.queue
    diagnostics = report.diagnostics
    if report.state is ApplicationState.RUNNING:
        return {"progress": 90, "message": "The server is ready; JupyterHub is connecting to it."}
    if report.state is not ApplicationState.ACCEPTED:
        return {"progress": 10, "message": f"Submitted to YARN as {application_id}."}
    if CONTAINER_STARTED in diagnostics:
        return {
            "progress": 60,
            "message": "YARN has given the server a container. Its Python environment is fetched "
            "there, then JupyterLab starts.",
        }
    if "resource limit" in diagnostics:
        return {"progress": 20, "message": f"Queue {queue} is full; the server waits for its turn."}
    return {"progress": 30, "message": f"Accepted into queue {queue}; waiting for a node."}
