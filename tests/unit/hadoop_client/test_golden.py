"""Messages have the bytes of Hadoop's own classes; golden/Golden.java made golden.txt."""

from __future__ import annotations

from dataclasses import fields

import pytest

from hadoop_client.hdfs import namenode
from hadoop_client.rpc import connection
from hadoop_client.security.credentials import Token
from hadoop_client.security.delegation import (
    GetDelegationTokenRequest,
    GetDelegationTokenResponse,
)
from hadoop_client.security.sasl import Offer
from hadoop_client.wire import Message
from hadoop_client.yarn import applicationmaster as am
from hadoop_client.yarn import records as r
from hadoop_client.yarn import reports as p
from hadoop_client.yarn import resourcemanager as rm
from tests.unit.hadoop_client.golden_bytes import GOLDEN

TIME = 1700000000000
APP = r.ApplicationId(7, TIME)
ATTEMPT = r.ApplicationAttemptId(APP, 2)
CONTAINER = r.ContainerId(ATTEMPT, (17 << 40) + 3)
RESOURCE = r.Resource(4096, 3, (r.ResourceInformation("yarn.io/gpu", 2, ""),))
NODE = p.NodeId("node1", 45454)
TOKEN = Token(b"\x00\x01\xff", b"\x09\x08", "KIND", "10.0.0.1:8032")
TIMEOUT = r.TimeoutUpdate(expire_time="2023-11-14T22:13:20.000+0000")

LAUNCH = r.ContainerLaunchContext(
    local_resources=(
        r.LocalResourceEntry(
            "environment",
            r.LocalResource(
                resource=r.Url("hdfs", "nn", 8020, "/envs/é.tar.gz"),
                size=5_000_000_000,
                timestamp=TIME,
                type=r.LocalResourceType.ARCHIVE,
                visibility=r.LocalResourceVisibility.PUBLIC,
                pattern="*",
            ),
        ),
    ),
    tokens=b"HD",
    service_data=(r.BytesEntry("shuffle", b"\x01"),),
    environment=(r.StringEntry("A", "b"),),
    command=("first", "second"),
    application_acls=(r.ApplicationAcl(r.ApplicationAccess.MODIFY_APP, "alice"),),
)

SENT: dict[str, Message] = {
    "request_packet_header": connection.RequestPacketHeader(
        call_id=-33, client_id=b"\1\2\3", retry_count=-1
    ),
    "request_header": connection.RequestHeader("getNewApplication", "a.b.C"),
    "context": connection.ConnectionContext(connection.UserInformation("alice", "hub"), "a.b.C"),
    "submit": rm.SubmitApplicationRequest(
        r.ApplicationSubmissionContext(
            application_id=APP,
            application_name="name",
            queue="q",
            priority=r.Priority(4),
            am_container_spec=LAUNCH,
            max_app_attempts=1,
            resource=RESOURCE,
            application_type="yarnhub",
            application_tags=("t1", "t2"),
            log_aggregation_context=r.LogAggregationContext("a", "b", "c", "d"),
            node_label_expression="gpu",
            am_container_resource_request=(
                r.ResourceRequest(capability=RESOURCE, node_label_expression="gpu"),
            ),
            application_timeouts=(r.TimeoutEntry(timeout=3600),),
        )
    ),
    "get_applications": rm.GetApplicationsRequest(
        application_types=("yarnhub",),
        application_states=(r.ApplicationState.RUNNING, r.ApplicationState.KILLED),
        users=("alice",),
        queues=("q",),
        limit=10,
        application_tags=("t1",),
    ),
    "kill": rm.KillApplicationRequest(APP, "why"),
    "update_timeouts": rm.UpdateApplicationTimeoutsRequest(APP, (TIMEOUT,)),
    "get_report": rm.GetApplicationReportRequest(APP),
    "get_attempt": rm.GetApplicationAttemptReportRequest(ATTEMPT),
    "get_container": rm.GetContainerReportRequest(CONTAINER),
    "get_nodes": rm.GetClusterNodesRequest((r.NodeState.RUNNING, r.NodeState.LOST)),
    "get_queue": rm.GetQueueInfoRequest(),
    "get_token": GetDelegationTokenRequest("hub"),
    "register": am.RegisterApplicationMasterRequest("host", -1, "url"),
    "allocate": am.AllocateRequest(5, 0.5, "url"),
    "finish": am.FinishApplicationMasterRequest("why", "url", am.FinalStatus.FAILED),
    "get_file": namenode.GetFileInfoRequest("/a"),
    "mkdirs": namenode.MkdirsRequest("/a", namenode.FsPermission(0o700), create_parent=True),
    "set_owner": namenode.SetOwnerRequest("/a", "alice", "staff"),
    "set_quota": namenode.SetQuotaRequest("/a", 1000, 5_000_000_000),
    "keep_quota": namenode.SetQuotaRequest("/a"),
    "delete": namenode.DeleteRequest("/a", recursive=True),
    "is_closed": namenode.IsFileClosedRequest("/a"),
}

CHILD_QUEUE = p.QueueInfo(
    name="child",
    capacity=0.25,
    maximum_capacity=0.5,
    current_capacity=0.75,
    state=r.QueueState.STOPPED,
    accessible_node_labels=("*",),
    statistics=p.QueueStatistics(2, 3, 8, 9, 12, 13),
    path="root.child",
)

RECEIVED: dict[str, Message] = {
    "response_header": connection.ResponseHeader(
        -33, connection.RpcStatus.FATAL, "java.io.IOException", "why"
    ),
    "sasl": connection.SaslMessage(
        connection.SaslState.NEGOTIATE,
        b"\4",
        (
            Offer("TOKEN", "DIGEST-MD5", "", "default", b"\5\6"),
            Offer("SIMPLE", ""),
        ),
    ),
    "report": rm.GetApplicationReportResponse(
        p.ApplicationReport(
            application_id=APP,
            user="alice",
            queue="q",
            name="name",
            host="host",
            port=40000,
            state=r.ApplicationState.RUNNING,
            tracking_url="url",
            diagnostics="why",
            start_time=TIME + 1,
            finish_time=TIME + 2,
            final_status=am.FinalStatus.KILLED,
            resource_usage=p.ResourceUsage(RESOURCE),
            original_tracking_url="original",
            current_application_attempt_id=ATTEMPT,
            progress=0.5,
            type="yarnhub",
            tags=("t1", "t2"),
            priority=r.Priority(4),
            timeouts=(
                p.ApplicationTimeoutEntry(
                    timeout=p.ApplicationTimeout(expire_time="UNLIMITED", remaining_time=55)
                ),
            ),
            launch_time=TIME + 3,
            submit_time=TIME + 4,
        )
    ),
    "attempt_report": rm.GetApplicationAttemptReportResponse(
        p.ApplicationAttemptReport(
            application_attempt_id=ATTEMPT,
            host="host",
            port=40000,
            tracking_url="url",
            diagnostics="why",
            state=r.AttemptState.LAUNCHED,
            am_container_id=CONTAINER,
            start_time=TIME + 1,
            finish_time=TIME + 2,
        )
    ),
    "container_report": rm.GetContainerReportResponse(
        p.ContainerReport(
            container_id=CONTAINER,
            resource=RESOURCE,
            node_id=NODE,
            creation_time=TIME + 1,
            finish_time=TIME + 2,
            diagnostics="why",
            log_url="log",
            exit_status=-104,
            state=r.ContainerState.COMPLETE,
            node_http_address="node1:8042",
        )
    ),
    "new_application": rm.GetNewApplicationResponse(APP, RESOURCE),
    "nodes": rm.GetClusterNodesResponse(
        (
            p.NodeReport(
                node_id=NODE,
                http_address="node1:8042",
                rack_name="/rack",
                used=RESOURCE,
                capability=RESOURCE,
                num_containers=6,
                state=r.NodeState.UNHEALTHY,
                health_report="ill",
                last_health_report_time=TIME,
                node_labels=("gpu",),
            ),
        )
    ),
    "labels": rm.GetClusterNodeLabelsResponse((p.NodeLabel("gpu"),)),
    "queue": rm.GetQueueInfoResponse(
        p.QueueInfo(
            name="root", state=r.QueueState.RUNNING, child_queues=(CHILD_QUEUE,), path="root"
        )
    ),
    "metrics": rm.GetClusterMetricsResponse(p.ClusterMetrics(1, 2, 3, 4, 5)),
    "token": GetDelegationTokenResponse(TOKEN),
    "killed": rm.KillApplicationResponse(True),
    "updated_timeouts": rm.UpdateApplicationTimeoutsResponse((TIMEOUT,)),
    "registered": am.RegisterApplicationMasterResponse("q"),
    "allocated": am.AllocateResponse(am.Command.SHUTDOWN, 6, 3, TOKEN),
    "finished": am.FinishApplicationMasterResponse(True),
    "made": namenode.MkdirsResponse(True),
    "deleted": namenode.DeleteResponse(True),
    "closed": namenode.IsFileClosedResponse(True),
    "file": namenode.GetFileInfoResponse(
        namenode.HdfsFileStatus(
            type=namenode.FileType.DIRECTORY,
            length=5_000_000_000,
            permission=namenode.FsPermission(0o755),
            owner="alice",
            group="staff",
            modification_time=TIME + 1,
            access_time=TIME + 2,
        )
    ),
}


@pytest.mark.parametrize("name", SENT)
def test_our_messages_are_the_bytes_that_hadoop_writes(name: str) -> None:
    assert SENT[name].encode() == GOLDEN[name]
    assert type(SENT[name]).decode(GOLDEN[name]) == SENT[name]


@pytest.mark.parametrize("name", RECEIVED)
def test_hadoops_bytes_are_read(name: str) -> None:
    assert type(RECEIVED[name]).decode(GOLDEN[name]) == RECEIVED[name]


def test_every_golden_message_is_compared() -> None:
    compared = SENT.keys() | RECEIVED.keys()
    others = {name for name in GOLDEN if name.startswith(("vint:", "credentials_"))}
    assert compared | others == GOLDEN.keys()


def test_every_declared_field_is_among_the_golden_bytes() -> None:
    """A wrong field number must not hide behind an equal default."""
    declared: set[tuple[str, str]] = set()
    filled: set[tuple[str, str]] = set()

    def visit(message: Message) -> None:
        for field in fields(message):  # type: ignore[arg-type]
            where = (type(message).__name__, field.name)
            declared.add(where)
            value = getattr(message, field.name)
            if value != field.default:
                filled.add(where)
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Message):
                    visit(item)

    for message in (*SENT.values(), *RECEIVED.values()):
        visit(message)
    # The bytes of these are golden, but their values are the usual ones and the defaults too.
    usual = {
        ("RequestPacketHeader", "kind"),
        ("RequestPacketHeader", "operation"),
        ("RequestPacketHeader", "retry_count"),
        ("RequestHeader", "version"),
        ("RegisterApplicationMasterRequest", "port"),
        ("ApplicationSubmissionContext", "cancel_tokens_when_complete"),
        ("ResourceInformation", "units"),
        ("ResourceRequest", "priority"),
        ("ResourceRequest", "resource_name"),
        ("ResourceRequest", "num_containers"),
        ("ResourceRequest", "relax_locality"),
        ("TimeoutEntry", "type"),
        ("TimeoutUpdate", "type"),
        ("ApplicationTimeout", "type"),
        ("ApplicationTimeoutEntry", "type"),
        ("GetQueueInfoRequest", "queue_name"),
        ("GetQueueInfoRequest", "include_applications"),
        ("GetQueueInfoRequest", "include_child_queues"),
        ("GetQueueInfoRequest", "recursive"),
        ("Priority", "priority"),
    }
    assert declared - filled <= usual
