"""The interface between the spawner and YARN.

Every method may raise `ClusterError` and returns in bounded time.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hadoop_client.printable import printable
from hadoop_client.yarn.records import ALIVE, ApplicationState, Resource
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo
from yarnspawner.launch.spec import LaunchSpec


class ClusterError(Exception):
    """A call to YARN failed. The text is one sentence with the reason, for logs and pages."""

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))


class ClusterUnreachableError(ClusterError):
    """YARN did not answer. The text names the addresses that were tried."""


class ClusterAnswerTooLargeError(ClusterError):
    """YARN answered with more than a client accepts."""


class ClusterRefusedError(ClusterError):
    """YARN answered with an exception."""


class Phase(enum.Enum):
    """The state of a container before its server listens."""

    LOCALIZING = "localizing"
    RUNNING = "running"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Container:
    """The node of a server. `logs` is the address of YARN's page with its output, or empty.

    `memory_mb` is what YARN granted, in MiB. `node_http` is the address of the node's REST API. A
    launcher that does not learn these leaves them empty.
    """

    host: str
    phase: Phase = Phase.UNKNOWN
    logs: str = ""
    memory_mb: int = 0
    node_http: str = ""
    container_id: str = ""


class Launcher(Protocol):
    """YARN, on behalf of one hub."""

    async def new_application(self) -> tuple[str, Resource | None]:
        """Return a new application id, and the maximum resources of one container.

        A launcher that gets the id with the submit returns "" and None.
        """

    async def submit(self, application_id: str, spec: LaunchSpec) -> str:
        """Submit the application as its user, and return its id; raises `SpawnError` if YARN
        refuses it."""

    async def list_applications(
        self, tag: str, states: Sequence[ApplicationState] = ALIVE
    ) -> Mapping[str, ApplicationReport]:
        """Return the reports of all applications with `tag` in one of `states`, by their ids.

        The mapping may decode a report again at each access.
        """

    async def report(self, application_id: str) -> ApplicationReport | None:
        """Return one application's report, or None if YARN does not know it."""

    async def has_issued(self, application_id: str) -> bool:
        """Return whether the ResourceManager that answers has issued this id since its last start.

        If it has and does not know the application, the application does not exist.
        """

    def server_port(self, report: ApplicationReport) -> int | None:
        """Return the port on which the server listens, or None if it does not listen yet."""

    async def container(self, report: ApplicationReport) -> Container | None:
        """Return the container as YARN reports it, or None before YARN allocates one."""

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        """Kill an application as its user; without effect on one that has ended.

        YARN may take a while, and may need a second call.
        """

    async def set_lifetime_end(self, user: str, application_id: str, end: datetime) -> None:
        """Set when YARN ends an application, as its user. The maximum of its queue still holds."""

    async def queues(self) -> list[QueueInfo]:
        """Return the leaf queues, which applications can be submitted to."""

    async def waiting_applications(self, queue: str) -> Sequence[ApplicationReport]:
        """Return the applications of all users in a queue that do not run yet; none if the launcher
        cannot tell."""

    async def node_hosts(self) -> list[str]:
        """Return the host names of the nodes that containers may run on."""

    async def node_labels(self) -> frozenset[str] | None:
        """Return the node labels that the cluster knows; None if the launcher cannot tell."""

    async def close(self) -> None:
        """Close all connections. No method may be called afterwards."""
