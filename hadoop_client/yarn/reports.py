"""YARN's reports: the ResourceManager's view of applications, containers, nodes and queues.

As in `records`, each class is Hadoop's message without "Proto", with the fields that this package
uses. Times are in milliseconds since 1970, 0 if something has not happened yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from hadoop_client.wire import (
    LENGTH,
    FieldType,
    Message,
    enum,
    float_,
    int32,
    int64,
    message,
    repeated,
    string,
)
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.records import (
    ApplicationAttemptId,
    ApplicationId,
    ApplicationState,
    AttemptState,
    ContainerId,
    ContainerState,
    NodeState,
    Priority,
    QueueState,
    Resource,
    TimeoutType,
)

__all__ = [
    "ApplicationAttemptReport",
    "ApplicationReport",
    "ApplicationTimeout",
    "ApplicationTimeoutEntry",
    "ClusterMetrics",
    "ContainerReport",
    "NodeId",
    "NodeLabel",
    "NodeReport",
    "QueueInfo",
    "QueueStatistics",
    "ResourceUsage",
    "expire_time",
]

#: YARN's ISO 8601: `2023-11-14T22:13:20.000+0000`.
_EXPIRE_TIME = "%Y-%m-%dT%H:%M:%S.%f%z"

#: Stands for the end of a lifetime in a year of five digits or more.
_LATEST_END = datetime(9999, 12, 31, tzinfo=timezone.utc)


def expire_time(when: datetime) -> str:
    """Format a time with a time zone as YARN writes the end of a lifetime, in milliseconds."""
    utc = when.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


@dataclass(frozen=True)
class ApplicationTimeout(Message):
    """`expire_time` is ISO 8601 or "UNLIMITED"; `remaining_time` is in seconds, -1 if unlimited."""

    type: TimeoutType = enum(1, TimeoutType, TimeoutType.LIFETIME)
    expire_time: str = string(2, "")
    remaining_time: int = int64(3, -1)


@dataclass(frozen=True)
class ApplicationTimeoutEntry(Message):
    type: TimeoutType = enum(1, TimeoutType, TimeoutType.LIFETIME)
    timeout: ApplicationTimeout = message(2, ApplicationTimeout, ApplicationTimeout())


@dataclass(frozen=True)
class ResourceUsage(Message):
    """`used_resources` is what an application's containers were granted, not what they use.

    It is negative without permission to view the application.
    """

    used_resources: Resource = message(3, Resource, Resource())


@dataclass(frozen=True)
class ApplicationReport(Message):
    """`host` and `port` are those that the application master registered, or "N/A" and -1 without
    permission to view the application."""

    application_id: ApplicationId = message(1, ApplicationId, ApplicationId())
    user: str = string(2, "")
    queue: str = string(3, "")
    name: str = string(4, "")
    host: str = string(5, "")
    port: int = int32(6, -1)
    state: ApplicationState = enum(8, ApplicationState, ApplicationState.NEW)
    tracking_url: str = string(9, "")
    diagnostics: str = string(10, "")
    start_time: int = int64(11, 0)
    finish_time: int = int64(12, 0)
    final_status: FinalStatus = enum(13, FinalStatus, FinalStatus.UNDEFINED)
    resource_usage: ResourceUsage = message(14, ResourceUsage, ResourceUsage())
    original_tracking_url: str = string(15, "")
    current_application_attempt_id: ApplicationAttemptId = message(
        16, ApplicationAttemptId, ApplicationAttemptId()
    )
    progress: float = float_(17, 0.0)
    type: str = string(18, "")
    tags: tuple[str, ...] = repeated(string(20))
    priority: Priority = message(23, Priority, Priority())
    timeouts: tuple[ApplicationTimeoutEntry, ...] = repeated(message(26, ApplicationTimeoutEntry))
    launch_time: int = int64(27, 0)
    submit_time: int = int64(28, 0)

    @property
    def lifetime_end(self) -> datetime | None:
        """When YARN ends the application; None if its lifetime has no limit."""
        for entry in self.timeouts:
            if entry.type is TimeoutType.LIFETIME and entry.timeout.remaining_time >= 0:
                text = entry.timeout.expire_time
                is_far = len(text.partition("-")[0]) > len("9999")
                return _LATEST_END if is_far else datetime.strptime(text, _EXPIRE_TIME)
        return None


@dataclass(frozen=True)
class ApplicationAttemptReport(Message):
    application_attempt_id: ApplicationAttemptId = message(
        1, ApplicationAttemptId, ApplicationAttemptId()
    )
    host: str = string(2, "")
    port: int = int32(3, -1)
    tracking_url: str = string(4, "")
    diagnostics: str = string(5, "")
    state: AttemptState = enum(6, AttemptState, AttemptState.NEW)
    am_container_id: ContainerId | None = message(7, ContainerId)
    start_time: int = int64(9, 0)
    finish_time: int = int64(10, 0)


@dataclass(frozen=True)
class NodeId(Message):
    host: str = string(1, "")
    port: int = int32(2, 0)


@dataclass(frozen=True)
class ContainerReport(Message):
    """`exit_status` is -1000 until the container has ended."""

    container_id: ContainerId = message(1, ContainerId, ContainerId())
    resource: Resource = message(2, Resource, Resource())
    node_id: NodeId = message(3, NodeId, NodeId())
    creation_time: int = int64(5, 0)
    finish_time: int = int64(6, 0)
    diagnostics: str = string(7, "")
    log_url: str = string(8, "")
    exit_status: int = int32(9, -1000)
    state: ContainerState = enum(10, ContainerState, ContainerState.NEW)
    node_http_address: str = string(11, "")


@dataclass(frozen=True)
class NodeReport(Message):
    node_id: NodeId = message(1, NodeId, NodeId())
    http_address: str = string(2, "")
    rack_name: str = string(3, "")
    used: Resource = message(4, Resource, Resource())
    capability: Resource = message(5, Resource, Resource())
    num_containers: int = int32(6, 0)
    state: NodeState = enum(7, NodeState, NodeState.NEW)
    health_report: str = string(8, "")
    last_health_report_time: int = int64(9, 0)
    node_labels: tuple[str, ...] = repeated(string(10))


@dataclass(frozen=True)
class NodeLabel(Message):
    name: str = string(1, "")


@dataclass(frozen=True)
class QueueStatistics(Message):
    apps_running: int = int64(2, 0)
    apps_pending: int = int64(3, 0)
    available_memory_mb: int = int64(8, 0)
    allocated_memory_mb: int = int64(9, 0)
    available_vcores: int = int64(12, 0)
    allocated_vcores: int = int64(13, 0)


#: Begins the path of a queue below the root queue.
_ROOT_PREFIX = "root."


@dataclass(frozen=True)
class QueueInfo(Message):
    """Capacities are fractions: `capacity` and `maximum_capacity` of the parent queue,
    `current_capacity` of the queue's own."""

    name: str = string(1, "")
    capacity: float = float_(2, 0.0)
    maximum_capacity: float = float_(3, 0.0)
    current_capacity: float = float_(4, 0.0)
    state: QueueState = enum(5, QueueState, QueueState.RUNNING)
    # `message` cannot refer to a class within its own body.
    child_queues: tuple[QueueInfo, ...] = repeated(
        FieldType["QueueInfo"](LENGTH, Message.encode, lambda raw: QueueInfo.decode(raw))(6)
    )
    accessible_node_labels: tuple[str, ...] = repeated(string(8))
    statistics: QueueStatistics | None = message(10, QueueStatistics)
    path: str = string(15, "")

    @property
    def names(self) -> frozenset[str]:
        """The names by which an application can name the queue.

        The CapacityScheduler has a short name and a path. The FairScheduler has a path only, as the
        name, in which `root.` may be left out.
        """
        names = {self.name, self.path, self.name.removeprefix(_ROOT_PREFIX)}
        return frozenset(names - {""})

    @property
    def is_fair(self) -> bool:
        """Whether the queue is one of the FairScheduler, which does not report free capacity."""
        return self.name.startswith(_ROOT_PREFIX)

    def leaves(self) -> Iterator[QueueInfo]:
        """Yield the queues in it that take applications: itself if it has no child queues."""
        if not self.child_queues:
            yield self
        for queue in self.child_queues:
            yield from queue.leaves()


@dataclass(frozen=True)
class ClusterMetrics(Message):
    """The number of NodeManagers, in all and by state."""

    node_managers: int = int32(1, 0)
    decommissioned: int = int32(2, 0)
    active: int = int32(3, 0)
    lost: int = int32(4, 0)
    unhealthy: int = int32(5, 0)
