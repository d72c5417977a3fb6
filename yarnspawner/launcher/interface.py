"""What the spawner needs of YARN: one small interface, which each launcher offers.

Every method may raise `ClusterError`, and ends in bounded time.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hadoop_client.yarn.records import ApplicationState, Resource
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo
from yarnspawner.launch.spec import LaunchSpec

ALIVE = tuple(state for state in ApplicationState if not state.ended)
PENDING = tuple(state for state in ALIVE if state is not ApplicationState.RUNNING)


class ClusterError(Exception):
    """YARN did not do what it was asked; one sentence that says why."""


class ClusterUnreachableError(ClusterError):
    """YARN does not answer; names what was tried."""


class ClusterRefusedError(ClusterError):
    """YARN answered with an exception of its own."""


class Phase(enum.Enum):
    """What a node does with a container before the server in it listens."""

    LOCALIZING = "localizing"
    RUNNING = "running"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Container:
    """Where YARN runs a server. `logs` is a page with its output, empty where there is none."""

    host: str
    phase: Phase = Phase.UNKNOWN
    logs: str = ""


class Launcher(Protocol):
    """YARN, on behalf of one hub."""

    async def new_application(self) -> tuple[str, Resource | None]:
        """Get an application id, and what one container may have at most.

        A launcher that can't have an id before the submit gives an empty one, and no maximum.
        """

    async def submit(self, application_id: str, spec: LaunchSpec) -> str:
        """Submit the application as its user, and return its id; raises `SpawnError` where YARN
        refuses it."""

    async def list_applications(
        self, tag: str, states: Sequence[ApplicationState] = ALIVE
    ) -> Mapping[str, ApplicationReport]:
        """Return the reports of all applications that carry `tag` and are in one of `states`, by
        their ids; each may be decoded anew whenever it is looked at."""

    async def report(self, application_id: str) -> ApplicationReport | None:
        """Return one application's report, None where YARN does not know it."""

    async def has_issued(self, application_id: str) -> bool:
        """Tell whether the ResourceManager that answers gave this id out itself and was not
        restarted since: what it does not know then is not there, nor ever comes back."""

    def server_port(self, report: ApplicationReport) -> int | None:
        """Return the port on which the server listens, None until it does."""

    async def container(self, report: ApplicationReport) -> Container | None:
        """Return where YARN runs the server, in YARN's own word for it; None before it does."""

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        """Ask YARN, as the user, to end an application; without effect on one that has ended.

        YARN may take a while, and may want to be asked again.
        """

    async def queues(self) -> list[QueueInfo]:
        """Return all queues that applications can be submitted to."""

    async def node_hosts(self) -> list[str]:
        """Return the names of the nodes that containers may run on."""

    async def close(self) -> None:
        """Let go of what is open. Nothing may be called after it."""
