"""YARN's records: ids, states, resources, and the context of a submission.

Each class is Hadoop's message of that name plus "Proto", with the fields that this package uses.
Field numbers: yarn_protos.proto of Hadoop 3.4. Times are in milliseconds since 1970.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hadoop_client.wire import (
    Message,
    OpenEnum,
    bool_,
    bytes_,
    enum,
    int32,
    int64,
    message,
    repeated,
    string,
)

__all__ = [
    "ALIVE",
    "ApplicationAccess",
    "ApplicationAcl",
    "ApplicationAttemptId",
    "ApplicationId",
    "ApplicationState",
    "ApplicationSubmissionContext",
    "AttemptState",
    "BytesEntry",
    "ContainerId",
    "ContainerLaunchContext",
    "ContainerState",
    "LocalResource",
    "LocalResourceEntry",
    "LocalResourceType",
    "LocalResourceVisibility",
    "LogAggregationContext",
    "NodeState",
    "Priority",
    "QueueState",
    "Resource",
    "ResourceInformation",
    "ResourceRequest",
    "StringEntry",
    "TimeoutEntry",
    "TimeoutType",
    "TimeoutUpdate",
    "Url",
]


class ApplicationState(OpenEnum):
    NEW = 1
    NEW_SAVING = 2
    SUBMITTED = 3
    ACCEPTED = 4
    RUNNING = 5
    FINISHED = 6
    FAILED = 7
    KILLED = 8

    @property
    def ended(self) -> bool:
        """Whether the application has ended."""
        return self in (self.FINISHED, self.FAILED, self.KILLED)


#: The states of applications that have not ended.
ALIVE = tuple(state for state in ApplicationState if not state.ended)


class AttemptState(OpenEnum):
    NEW = 1
    SUBMITTED = 2
    SCHEDULED = 3
    ALLOCATED_SAVING = 4
    ALLOCATED = 5
    LAUNCHED = 6
    FAILED = 7
    RUNNING = 8
    FINISHING = 9
    FINISHED = 10
    KILLED = 11


class ContainerState(OpenEnum):
    NEW = 1
    RUNNING = 2
    COMPLETE = 3


class NodeState(OpenEnum):
    NEW = 1
    RUNNING = 2
    UNHEALTHY = 3
    DECOMMISSIONED = 4
    LOST = 5
    REBOOTED = 6
    DECOMMISSIONING = 7
    SHUTDOWN = 8


class QueueState(OpenEnum):
    STOPPED = 1
    RUNNING = 2
    DRAINING = 3


class LocalResourceType(OpenEnum):
    ARCHIVE = 1
    FILE = 2
    PATTERN = 3


class LocalResourceVisibility(OpenEnum):
    """The applications that share a node's copy: all, those of the user, or only this one."""

    PUBLIC = 1
    PRIVATE = 2
    APPLICATION = 3


class ApplicationAccess(OpenEnum):
    VIEW_APP = 1
    MODIFY_APP = 2


class TimeoutType(OpenEnum):
    LIFETIME = 1


@dataclass(frozen=True)
class ApplicationId(Message):
    id: int = int32(1, 0)
    cluster_timestamp: int = int64(2, 0)

    def __str__(self) -> str:
        return f"application_{self.cluster_timestamp}_{self.id:04d}"

    @classmethod
    def parse(cls, text: str) -> ApplicationId:
        """Parse application_TIMESTAMP_NUMBER; raises ValueError."""
        match = re.fullmatch(r"application_(\d{1,18})_(\d{1,9})", text, re.ASCII)
        if match is None:
            raise ValueError(
                f"{text!r} is not an application id such as application_1700000000000_0001"
            )
        return cls(int(match[2]), int(match[1]))


@dataclass(frozen=True)
class ApplicationAttemptId(Message):
    application_id: ApplicationId = message(1, ApplicationId, ApplicationId())
    attempt_id: int = int32(2, 0)

    def __str__(self) -> str:
        application = self.application_id
        return (
            f"appattempt_{application.cluster_timestamp}_{application.id:04d}_{self.attempt_id:06d}"
        )


@dataclass(frozen=True)
class ContainerId(Message):
    """The bits of `id` above the lowest 40 count the ResourceManager's restarts."""

    application_attempt_id: ApplicationAttemptId = message(
        2, ApplicationAttemptId, ApplicationAttemptId()
    )
    id: int = int64(3, 0)

    def __str__(self) -> str:
        attempt = self.application_attempt_id
        application = attempt.application_id
        epoch = f"e{self.id >> 40:02d}_" if self.id >> 40 else ""
        return (
            f"container_{epoch}{application.cluster_timestamp}_{application.id:04d}"
            f"_{attempt.attempt_id:02d}_{self.id & 0xFFFFFFFFFF:06d}"
        )


@dataclass(frozen=True)
class Priority(Message):
    priority: int = int32(1, 0)


@dataclass(frozen=True)
class ResourceInformation(Message):
    """An amount of a named resource."""

    key: str = string(1, "")
    value: int = int64(2, 0)
    units: str = string(3, "")


@dataclass(frozen=True)
class Resource(Message):
    """The resources of a container.

    `information` is for named resources such as yarn.io/gpu. A ResourceManager repeats memory
    (memory-mb) and cores (vcores) in it.
    """

    memory_mb: int = int64(1, 0)
    vcores: int = int32(2, 0)
    information: tuple[ResourceInformation, ...] = repeated(message(3, ResourceInformation))

    def amount(self, name: str) -> int:
        """Return the amount of a named resource, 0 if absent."""
        return sum(resource.value for resource in self.information if resource.key == name)


@dataclass(frozen=True)
class ResourceRequest(Message):
    priority: Priority = message(1, Priority, Priority())
    resource_name: str = string(2, "*")
    capability: Resource = message(3, Resource, Resource())
    num_containers: int = int32(4, 1)
    relax_locality: bool = bool_(5, True)
    node_label_expression: str | None = string(6)


@dataclass(frozen=True)
class Url(Message):
    """The location of a file. `port` is -1 if the host is a name service; `file` is the path, not
    percent-encoded."""

    scheme: str = string(1, "")
    host: str = string(2, "")
    port: int = int32(3, -1)
    file: str = string(4, "")

    @classmethod
    def parse(cls, text: str) -> Url:
        """Parse scheme://host[:port]/path; raises ValueError, also for the parts `.` and `..`."""
        match = re.fullmatch(
            r"([a-z][a-z0-9+.-]*)://(\[[^]/]*\]|[^/:]*)(?::(\d{1,5}))?(/.*)", text, re.DOTALL
        )
        if match is None:
            raise ValueError(f"{text!r} is not a full path: it must be scheme://host:port/path")
        if {".", ".."} & set(match[4].split("/")):
            # The node would follow them, to a file that nothing has checked.
            raise ValueError(f"{text!r} has a part . or ..: write the path without them")
        return cls(match[1], match[2], int(match[3] or -1), match[4])

    def __str__(self) -> str:
        port = f":{self.port}" if self.port >= 0 else ""
        return f"{self.scheme}://{self.host}{port}{self.file}"


@dataclass(frozen=True)
class LocalResource(Message):
    """A file that the node downloads. `size` (bytes) and `timestamp` must match the file."""

    resource: Url = message(1, Url, Url())
    size: int = int64(2, 0)
    timestamp: int = int64(3, 0)
    type: LocalResourceType = enum(4, LocalResourceType, LocalResourceType.FILE)
    visibility: LocalResourceVisibility = enum(
        5, LocalResourceVisibility, LocalResourceVisibility.APPLICATION
    )
    pattern: str | None = string(6)


@dataclass(frozen=True)
class LocalResourceEntry(Message):
    """`key` is the file's name in the container's working directory."""

    key: str = string(1, "")
    value: LocalResource = message(2, LocalResource, LocalResource())


@dataclass(frozen=True)
class StringEntry(Message):
    key: str = string(1, "")
    value: str = string(2, "")


@dataclass(frozen=True)
class BytesEntry(Message):
    key: str = string(1, "")
    value: bytes = bytes_(2, b"")


@dataclass(frozen=True)
class ApplicationAcl(Message):
    access_type: ApplicationAccess = enum(1, ApplicationAccess, ApplicationAccess.VIEW_APP)
    acl: str = string(2, "")


@dataclass(frozen=True)
class ContainerLaunchContext(Message):
    """`tokens` come from `Credentials.to_bytes`. `command` runs in bash."""

    local_resources: tuple[LocalResourceEntry, ...] = repeated(message(1, LocalResourceEntry))
    tokens: bytes | None = bytes_(2)
    service_data: tuple[BytesEntry, ...] = repeated(message(3, BytesEntry))
    environment: tuple[StringEntry, ...] = repeated(message(4, StringEntry))
    command: tuple[str, ...] = repeated(string(5))
    application_acls: tuple[ApplicationAcl, ...] = repeated(message(6, ApplicationAcl))


@dataclass(frozen=True)
class LogAggregationContext(Message):
    """Patterns of the log files to keep: at the container's end, and rolled ones while it runs."""

    include_pattern: str | None = string(1)
    exclude_pattern: str | None = string(2)
    rolled_logs_include_pattern: str | None = string(3)
    rolled_logs_exclude_pattern: str | None = string(4)


@dataclass(frozen=True)
class TimeoutEntry(Message):
    """`timeout` is in seconds from the submission."""

    type: TimeoutType = enum(1, TimeoutType, TimeoutType.LIFETIME)
    timeout: int = int64(2, 0)


@dataclass(frozen=True)
class TimeoutUpdate(Message):
    """`expire_time` is in the format of `hadoop_client.yarn.reports.expire_time`."""

    type: TimeoutType = enum(1, TimeoutType, TimeoutType.LIFETIME)
    expire_time: str = string(2, "")


@dataclass(frozen=True)
class ApplicationSubmissionContext(Message):
    application_id: ApplicationId = message(1, ApplicationId, ApplicationId())
    application_name: str = string(2, "N/A")
    queue: str = string(3, "default")
    priority: Priority | None = message(4, Priority)
    am_container_spec: ContainerLaunchContext = message(
        5, ContainerLaunchContext, ContainerLaunchContext()
    )
    cancel_tokens_when_complete: bool = bool_(6, True)
    max_app_attempts: int = int32(8, 0)
    resource: Resource = message(9, Resource, Resource())
    application_type: str = string(10, "YARN")
    application_tags: tuple[str, ...] = repeated(string(12))
    log_aggregation_context: LogAggregationContext | None = message(14, LogAggregationContext)
    node_label_expression: str | None = string(16)
    am_container_resource_request: tuple[ResourceRequest, ...] = repeated(
        message(17, ResourceRequest)
    )
    application_timeouts: tuple[TimeoutEntry, ...] = repeated(message(18, TimeoutEntry))
