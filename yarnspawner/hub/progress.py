"""What YARN is doing while a server starts, told as it happens to everybody who watches."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from typing import Any

from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.launcher.interface import Container, Phase
from yarnspawner.yarn_messages import CONTAINER_STARTED

#: As JupyterHub wants it: `progress` in percent, `message`, and `html_message` with links.
Event = dict[str, Any]


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


def submitting(environment: str, queue: str) -> Event:
    """Say what is being asked for."""
    return {
        "progress": 5,
        "message": f"Submitting the server with the environment {environment} to queue {queue}.",
    }


def describe(report: ApplicationReport, container: Container | None) -> Event:
    """Say where an application stands, and where it runs once there is a container."""
    if report.state is ApplicationState.RUNNING:
        return _event(90, "The server is starting.", report, container)
    if report.state is not ApplicationState.ACCEPTED:
        return _event(10, f"Submitted to YARN as {report.application_id}.", report)
    if container is not None:
        return _event(*_on_node(container), report, container)
    if container_started(report):
        return _event(50, "YARN has given the server a container.", report)
    queue = report.queue.removeprefix("root.")
    if "resource limit" in report.diagnostics:
        return _event(20, f"Queue {queue} is full; the server waits for its turn.", report)
    used = re.search(r"Queue's Absolute used capacity = ([\d.]+) %", report.diagnostics)
    how_full = f", {float(used[1]):.0f} % of which is in use" if used else ""
    return _event(30, f"Accepted into queue {queue}{how_full}; waiting for a node.", report)


def ready(url_path: str) -> Event:
    """Say that the server listens."""
    return {"progress": 95, "message": f"The server listens; JupyterHub connects to {url_path}."}


def container_started(report: ApplicationReport) -> bool:
    """Tell whether YARN has handed the application's container to a node."""
    return CONTAINER_STARTED in report.diagnostics


def _on_node(container: Container) -> tuple[int, str]:
    if container.phase is Phase.LOCALIZING:
        return 60, f"Its Python environment is being fetched on node {container.host}."
    if container.phase is Phase.RUNNING:
        return 75, f"The server is starting on node {container.host}."
    return 60, f"The server has a container on node {container.host}, where it is starting."


def _event(
    percent: int, message: str, report: ApplicationReport, container: Container | None = None
) -> Event:
    """Make an event; where YARN has pages of the application, they are linked."""
    links = [("application", report.tracking_url), ("log", container.logs if container else "")]
    anchors = [
        f'<a href="{html.escape(url)}" target="_blank" rel="noopener">{name}</a>'
        for name, url in links
        if url.startswith(("http://", "https://"))
    ]
    event: Event = {"progress": percent, "message": message}
    if anchors:
        event["html_message"] = f"{html.escape(message)} In YARN: {', '.join(anchors)}."
    return event
