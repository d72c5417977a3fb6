"""Progress events while a server starts, for each client that follows its start."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator

from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.jupyterhub_types import JsonObject
from yarnspawner.launcher.interface import Container, Phase
from yarnspawner.yarn_messages import CONTAINER_STARTED

#: JupyterHub's format: `progress` in percent, `message`, and `html_message` with links.
Event = JsonObject


class ProgressLog:
    """The events of one start. Each follower gets all of them, from the first one on.

    `with_links`: keep the links to YARN's own pages.
    """

    def __init__(self, *, with_links: bool = False) -> None:
        self._with_links = with_links
        self._events: list[Event] = []
        self._closed = False
        self._changed = asyncio.Event()

    def add(self, event: Event) -> None:
        """Append an event, unless the last one has the same message."""
        if not self._events or self._events[-1]["message"] != event["message"]:
            shown = {**event}
            if not self._with_links:
                shown.pop("html_message", None)
            self._events.append(shown)
            self._wake()

    def close(self) -> None:
        """End all followers, because the start is over."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self) -> AsyncIterator[Event]:
        """Yield all events, past and future, until the log is closed."""
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
    """Return the event before the submit."""
    return {
        "progress": 5,
        "message": f"Submitting the server to queue {queue} with environment {environment}.",
    }


def describe(report: ApplicationReport, container: Container | None) -> Event:
    """Return the event for an application's report; `container` is None before YARN allocates it.

    The diagnostics that are matched are the CapacityScheduler's.
    """
    if report.state is ApplicationState.RUNNING:
        return _event(90, "The server is starting.", report, container)
    if report.state is not ApplicationState.ACCEPTED:
        return _event(10, f"Submitted to YARN as {report.application_id}.", report)
    if container is not None:
        return _event(*_on_node(container), report, container)
    if container_started(report):
        return _event(50, "YARN has allocated a container for the server.", report)
    queue = report.queue.removeprefix("root.")
    if "resource limit" in report.diagnostics:
        return _event(20, f"Queue {queue} is full. The server waits for free capacity.", report)
    return _event(30, f"Queue {queue} has accepted the server. It waits for a node.", report)


def ready(url: str) -> Event:
    """Return the event for a server that listens."""
    return {
        "progress": 95,
        "message": f"The server is listening. JupyterHub is connecting to {url}.",
    }


def container_started(report: ApplicationReport) -> bool:
    """Return whether YARN has launched the application's container on a node."""
    return CONTAINER_STARTED in report.diagnostics


def _on_node(container: Container) -> tuple[int, str]:
    if container.phase is Phase.LOCALIZING:
        return 60, f"Node {container.host} is downloading the Python environment."
    if container.phase is Phase.RUNNING:
        return 75, f"The server is starting on node {container.host}."
    return 60, f"The server has a container on node {container.host}."


def _event(
    percent: int, message: str, report: ApplicationReport, container: Container | None = None
) -> Event:
    """Return an event with links to YARN's pages of the application, if there are any."""
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
