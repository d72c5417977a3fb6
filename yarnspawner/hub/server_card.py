"""What a running server is: its start's choices, and YARN's view of it now.

Home, the administrator's page and the REST API show it. Nothing here waits longer for YARN than
`TIMEOUT_SECONDS`: what YARN has not answered by then is left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hadoop_client.printable import printable
from hadoop_client.yarn.records import TimeoutType
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.readable import duration, memory, utc
from yarnspawner.hub.status import Liveness
from yarnspawner.hub.submission import Submission
from yarnspawner.jupyterhub_types import User
from yarnspawner.launch.amounts import GPU, VCORES, amount_text
from yarnspawner.launch.summary import StartSummary
from yarnspawner.launcher.interface import ClusterError, Container
from yarnspawner.reported_memory import used_memory_mb

TIMEOUT_SECONDS = 3.0

log = logging.getLogger(__name__)


class YarnServer(Protocol):
    """The part of YarnSpawner that a card needs."""

    name: str
    user: User
    ready: bool
    pending: str | None
    status_interval: float
    cluster_links: bool
    summary: StartSummary

    @property
    def submission(self) -> Submission:
        """What identifies the server's application."""


@dataclass(frozen=True)
class ServerCard:
    """One active server. `memory_mb` is what YARN granted, and `used_mb` the resident memory that
    the server last reported, in MiB. Of what is not known (yet), the value is 0, None or ""."""

    user: str
    name: str
    state: str
    application_id: str
    summary: StartSummary
    queue: str = ""
    node: str = ""
    memory_mb: int = 0
    used_mb: int | None = None
    started_ms: int = 0
    seconds_left: int | None = None
    links: list[tuple[str, str]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """USER or USER/SERVER."""
        return printable(f"{self.user}/{self.name}" if self.name else self.user)

    @property
    def size(self) -> str:
        """Memory, cores and GPUs in one phrase."""
        cores, gpus = self.summary.vcores, self.summary.gpus
        granted = self.memory_mb or self.summary.memory_mb
        parts = [memory(granted)] if granted else []
        parts += [amount_text(name, n) for name, n in ((VCORES, cores), (GPU, gpus)) if n]
        return ", ".join(parts)

    @property
    def used(self) -> str:
        """The memory in use of that granted; empty if it is not known."""
        return memory_in_use([self])

    def age(self, now: float) -> str:
        """How long ago it was started; `now` is in seconds since 1970."""
        return duration(now - self.started_ms / 1000) if self.started_ms else ""

    def rows(self, now: float) -> list[tuple[str, str]]:
        """Return label and value of each fact that is known, in the order of the page."""
        started = f"{utc(self.started_ms)} ({self.age(now)} ago)" if self.started_ms else ""
        left = self.seconds_left
        ends = f"{duration(left)}, until {utc(round((now + left) * 1000))}" if left else ""
        facts = [
            ("Profile", self.summary.profile),
            ("Size", self.size),
            ("Memory in use", self.used),
            ("Environment", self.summary.environment),
            ("Queue", self.queue or self.summary.queue),
            ("Node", self.node),
            ("Started", started),
            ("Time left", ends),
            ("Files", f"{self.summary.files} in HDFS" if self.summary.files else ""),
        ]
        return [(label, printable(value)) for label, value in facts if value]

    def to_json(self) -> dict[str, object]:
        """Return the card as the REST API has it."""
        return {
            "state": self.state,
            "application_id": self.application_id,
            "profile": self.summary.profile,
            "environment": self.summary.environment,
            "queue": self.queue or self.summary.queue,
            "node": self.node,
            "memory_mb": self.memory_mb or self.summary.memory_mb,
            "memory_used_mb": self.used_mb,
            "cores": self.summary.vcores,
            "gpus": self.summary.gpus,
            "started_ms": self.started_ms,
            "seconds_left": self.seconds_left,
            "files": self.summary.files,
        }


def memory_in_use(cards: Iterable[ServerCard]) -> str:
    """Return the memory in use of that granted, of the servers that report it; "" if none does."""
    known = [(card.used_mb, card.memory_mb) for card in cards if card.used_mb is not None]
    used_mb, granted_mb = sum(used for used, _ in known), sum(granted for _, granted in known)
    return f"{memory(used_mb)} of {memory(granted_mb)}" if known else ""


def make_card(
    server: YarnServer, report: ApplicationReport | None, container: Container | None
) -> ServerCard:
    """Return the card from YARN's reports; None stands for one that YARN did not give."""
    state = "running" if server.ready else "stopping" if server.pending == "stop" else "starting"
    node, memory_mb = (container.host, container.memory_mb) if container else ("", 0)
    application_id = server.submission.application_id
    user, name, summary = server.user.name, server.name, server.summary
    if report is None:
        return ServerCard(user, name, state, application_id, summary, "", node, memory_mb)
    return ServerCard(
        user,
        name,
        state,
        application_id,
        summary,
        report.queue.removeprefix("root."),
        node,
        memory_mb,
        used_memory_mb(report, memory_mb),
        report.submit_time or report.start_time,
        seconds_left(report),
        cluster_pages(report, container) if server.cluster_links else [],
    )


def cluster_pages(report: ApplicationReport, container: Container | None) -> list[tuple[str, str]]:
    """Return label and address of YARN's own pages of an application, as far as it has any."""
    pages = [("In YARN", report.tracking_url), ("Log in YARN", container.logs if container else "")]
    return [(label, url) for label, url in pages if url.startswith(("http://", "https://"))]


def seconds_left(report: ApplicationReport) -> int | None:
    """Return the seconds until the application's lifetime is over; None without a lifetime."""
    for entry in report.timeouts:
        remaining = entry.timeout.remaining_time
        if entry.type is TimeoutType.LIFETIME and remaining >= 0:
            return remaining
    return None


async def server_cards(servers: Iterable[YarnServer], yarn: HubCluster | None) -> list[ServerCard]:
    """Return the cards of these servers; a server that YARN reports as ended has none."""
    servers = list(servers)
    if yarn is None or not servers:
        return [make_card(server, None, None) for server in servers]
    tasks = [asyncio.create_task(_card(server, yarn)) for server in servers]
    await asyncio.wait(tasks, timeout=TIMEOUT_SECONDS)
    cards = []
    for server, task in zip(servers, tasks, strict=True):
        if not task.done():
            task.cancel()
            cards.append(make_card(server, None, None))
        elif (card := task.result()) is not None:
            cards.append(card)
    return cards


async def _card(server: YarnServer, yarn: HubCluster) -> ServerCard | None:
    if not server.submission.application_id:
        return make_card(server, None, None)
    status = await yarn.board.status(server.submission, server.status_interval)
    if status.life in (Liveness.ENDED, Liveness.FOREIGN):
        return None
    container = None
    if status.report is not None:
        try:
            container = await yarn.container(status.report)
        except ClusterError as error:
            log.warning("The container of %s: %s", server.submission.application_id, error)
    return make_card(server, status.report, container)


def active_servers(users: Mapping[int, User]) -> list[YarnServer]:
    """Return all active servers of YarnSpawner of these users, by user and name."""
    spawners = (spawner for user in users.values() for spawner in user.spawners.values())
    known: list[YarnServer] = [s for s in spawners if is_active(s)]  # type: ignore[misc]
    return sorted(known, key=lambda server: (server.user.name, server.name))


def is_active(spawner: object) -> bool:
    """Return whether this is a YarnSpawner whose server runs, starts or is being stopped."""
    has_summary = isinstance(getattr(spawner, "summary", None), StartSummary)
    return has_summary and bool(getattr(spawner, "active", False))
