"""ApplicationClientProtocol: a client's calls of the ResourceManager.

`YarnClient` wraps the common ones. Each class is Hadoop's message of that name plus "Proto", with
the fields that this package uses. Field numbers: yarn_service_protos.proto of Hadoop 3.4.

Hadoop marks all of these methods @Idempotent, so clients may resend them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hadoop_client.rpc.call import Method, Request, Response
from hadoop_client.security.delegation import (
    GetDelegationTokenRequest,
    GetDelegationTokenResponse,
)
from hadoop_client.wire import Message, bool_, bytes_, enum, int64, message, repeated, string
from hadoop_client.yarn.records import (
    ApplicationAttemptId,
    ApplicationId,
    ApplicationState,
    ApplicationSubmissionContext,
    ContainerId,
    NodeState,
    Resource,
    TimeoutUpdate,
)
from hadoop_client.yarn.reports import (
    ApplicationAttemptReport,
    ApplicationReport,
    ClusterMetrics,
    ContainerReport,
    NodeLabel,
    NodeReport,
    QueueInfo,
)

__all__ = [
    "APPLICATION_CLIENT_PROTOCOL",
    "FORCE_KILL_APPLICATION",
    "GET_APPLICATIONS",
    "GET_APPLICATION_ATTEMPT_REPORT",
    "GET_APPLICATION_REPORT",
    "GET_CLUSTER_METRICS",
    "GET_CLUSTER_NODES",
    "GET_CLUSTER_NODE_LABELS",
    "GET_CONTAINER_REPORT",
    "GET_DELEGATION_TOKEN",
    "GET_NEW_APPLICATION",
    "GET_QUEUE_INFO",
    "SUBMIT_APPLICATION",
    "UPDATE_APPLICATION_TIMEOUTS",
    "GetApplicationAttemptReportRequest",
    "GetApplicationAttemptReportResponse",
    "GetApplicationReportRequest",
    "GetApplicationReportResponse",
    "GetApplicationsRequest",
    "GetApplicationsResponse",
    "GetClusterMetricsRequest",
    "GetClusterMetricsResponse",
    "GetClusterNodeLabelsRequest",
    "GetClusterNodeLabelsResponse",
    "GetClusterNodesRequest",
    "GetClusterNodesResponse",
    "GetContainerReportRequest",
    "GetContainerReportResponse",
    "GetNewApplicationRequest",
    "GetNewApplicationResponse",
    "GetQueueInfoRequest",
    "GetQueueInfoResponse",
    "KillApplicationRequest",
    "KillApplicationResponse",
    "SubmitApplicationRequest",
    "SubmitApplicationResponse",
    "UpdateApplicationTimeoutsRequest",
    "UpdateApplicationTimeoutsResponse",
]

APPLICATION_CLIENT_PROTOCOL = "org.apache.hadoop.yarn.api.ApplicationClientProtocolPB"


def _method(
    name: str, request: type[Request], response: type[Response]
) -> Method[Request, Response]:
    return Method(APPLICATION_CLIENT_PROTOCOL, name, request, response)


@dataclass(frozen=True)
class GetNewApplicationRequest(Message):
    pass


@dataclass(frozen=True)
class GetNewApplicationResponse(Message):
    """`maximum_capability` is the most that one container may have, GPUs included."""

    application_id: ApplicationId = message(1, ApplicationId, ApplicationId())
    maximum_capability: Resource = message(2, Resource, Resource())


GET_NEW_APPLICATION = _method(
    "getNewApplication", GetNewApplicationRequest, GetNewApplicationResponse
)


@dataclass(frozen=True)
class SubmitApplicationRequest(Message):
    application_submission_context: ApplicationSubmissionContext = message(
        1, ApplicationSubmissionContext, ApplicationSubmissionContext()
    )


@dataclass(frozen=True)
class SubmitApplicationResponse(Message):
    pass


SUBMIT_APPLICATION = _method(
    "submitApplication", SubmitApplicationRequest, SubmitApplicationResponse
)


@dataclass(frozen=True)
class GetApplicationReportRequest(Message):
    application_id: ApplicationId = message(1, ApplicationId, ApplicationId())


@dataclass(frozen=True)
class GetApplicationReportResponse(Message):
    application_report: ApplicationReport = message(1, ApplicationReport, ApplicationReport())


GET_APPLICATION_REPORT = _method(
    "getApplicationReport", GetApplicationReportRequest, GetApplicationReportResponse
)


@dataclass(frozen=True)
class GetApplicationsRequest(Message):
    """Filters. An empty one passes every application; any one of `application_tags` suffices."""

    application_types: tuple[str, ...] = repeated(string(1))
    application_states: tuple[ApplicationState, ...] = repeated(enum(2, ApplicationState))
    users: tuple[str, ...] = repeated(string(3))
    queues: tuple[str, ...] = repeated(string(4))
    limit: int | None = int64(5)
    application_tags: tuple[str, ...] = repeated(string(10))


@dataclass(frozen=True)
class GetApplicationsResponse(Message):
    """`encoded` are the reports, for `LazyApplicationReports`: there may be thousands."""

    encoded: tuple[bytes, ...] = repeated(bytes_(1))


GET_APPLICATIONS = _method("getApplications", GetApplicationsRequest, GetApplicationsResponse)


@dataclass(frozen=True)
class KillApplicationRequest(Message):
    application_id: ApplicationId = message(1, ApplicationId, ApplicationId())
    diagnostics: str | None = string(2)


@dataclass(frozen=True)
class KillApplicationResponse(Message):
    """Repeat the call until `is_kill_completed`."""

    is_kill_completed: bool = bool_(1, False)


FORCE_KILL_APPLICATION = _method(
    "forceKillApplication", KillApplicationRequest, KillApplicationResponse
)


@dataclass(frozen=True)
class UpdateApplicationTimeoutsRequest(Message):
    application_id: ApplicationId = message(1, ApplicationId, ApplicationId())
    application_timeouts: tuple[TimeoutUpdate, ...] = repeated(message(2, TimeoutUpdate))


@dataclass(frozen=True)
class UpdateApplicationTimeoutsResponse(Message):
    """`application_timeouts` may end earlier than requested: the queue may have a maximum."""

    application_timeouts: tuple[TimeoutUpdate, ...] = repeated(message(1, TimeoutUpdate))


UPDATE_APPLICATION_TIMEOUTS = _method(
    "updateApplicationTimeouts",
    UpdateApplicationTimeoutsRequest,
    UpdateApplicationTimeoutsResponse,
)


@dataclass(frozen=True)
class GetApplicationAttemptReportRequest(Message):
    application_attempt_id: ApplicationAttemptId = message(
        1, ApplicationAttemptId, ApplicationAttemptId()
    )


@dataclass(frozen=True)
class GetApplicationAttemptReportResponse(Message):
    application_attempt_report: ApplicationAttemptReport = message(
        1, ApplicationAttemptReport, ApplicationAttemptReport()
    )


GET_APPLICATION_ATTEMPT_REPORT = _method(
    "getApplicationAttemptReport",
    GetApplicationAttemptReportRequest,
    GetApplicationAttemptReportResponse,
)


@dataclass(frozen=True)
class GetContainerReportRequest(Message):
    container_id: ContainerId | None = message(1, ContainerId)


@dataclass(frozen=True)
class GetContainerReportResponse(Message):
    container_report: ContainerReport = message(1, ContainerReport, ContainerReport())


GET_CONTAINER_REPORT = _method(
    "getContainerReport", GetContainerReportRequest, GetContainerReportResponse
)


@dataclass(frozen=True)
class GetClusterNodesRequest(Message):
    """No states select the running nodes."""

    node_states: tuple[NodeState, ...] = repeated(enum(1, NodeState))


@dataclass(frozen=True)
class GetClusterNodesResponse(Message):
    node_reports: tuple[NodeReport, ...] = repeated(message(1, NodeReport))


GET_CLUSTER_NODES = _method("getClusterNodes", GetClusterNodesRequest, GetClusterNodesResponse)


@dataclass(frozen=True)
class GetClusterNodeLabelsRequest(Message):
    pass


@dataclass(frozen=True)
class GetClusterNodeLabelsResponse(Message):
    node_labels: tuple[NodeLabel, ...] = repeated(message(2, NodeLabel))


GET_CLUSTER_NODE_LABELS = _method(
    "getClusterNodeLabels", GetClusterNodeLabelsRequest, GetClusterNodeLabelsResponse
)


@dataclass(frozen=True)
class GetQueueInfoRequest(Message):
    queue_name: str = string(1, "root")
    include_applications: bool = bool_(2, False)
    include_child_queues: bool = bool_(3, True)
    recursive: bool = bool_(4, True)


@dataclass(frozen=True)
class GetQueueInfoResponse(Message):
    queue_info: QueueInfo | None = message(1, QueueInfo)


GET_QUEUE_INFO = _method("getQueueInfo", GetQueueInfoRequest, GetQueueInfoResponse)


@dataclass(frozen=True)
class GetClusterMetricsRequest(Message):
    pass


@dataclass(frozen=True)
class GetClusterMetricsResponse(Message):
    cluster_metrics: ClusterMetrics = message(1, ClusterMetrics, ClusterMetrics())


GET_CLUSTER_METRICS = _method(
    "getClusterMetrics", GetClusterMetricsRequest, GetClusterMetricsResponse
)


GET_DELEGATION_TOKEN = _method(
    "getDelegationToken", GetDelegationTokenRequest, GetDelegationTokenResponse
)
