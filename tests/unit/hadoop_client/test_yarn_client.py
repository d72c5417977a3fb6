"""YarnClient: one method for each task of a program that submits applications."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.rpc.call import Login, LoginError, RpcError
from hadoop_client.security.credentials import Token
from hadoop_client.wire import Message
from hadoop_client.yarn.client import YarnClient
from hadoop_client.yarn.records import (
    ApplicationAttemptId,
    ApplicationId,
    ApplicationState,
    ApplicationSubmissionContext,
    ContainerId,
    NodeState,
    Resource,
    TimeoutType,
)
from hadoop_client.yarn.reports import (
    ApplicationAttemptReport,
    ApplicationReport,
    ApplicationTimeout,
    ApplicationTimeoutEntry,
    ContainerReport,
    NodeId,
    NodeLabel,
    NodeReport,
    QueueInfo,
)
from hadoop_client.yarn.resourcemanager import (
    GetApplicationAttemptReportRequest,
    GetApplicationAttemptReportResponse,
    GetApplicationReportRequest,
    GetApplicationReportResponse,
    GetApplicationsRequest,
    GetApplicationsResponse,
    GetClusterNodeLabelsResponse,
    GetClusterNodesRequest,
    GetClusterNodesResponse,
    GetContainerReportRequest,
    GetContainerReportResponse,
    GetNewApplicationResponse,
    GetQueueInfoResponse,
    KillApplicationRequest,
    KillApplicationResponse,
    SubmitApplicationRequest,
    SubmitApplicationResponse,
    UpdateApplicationTimeoutsRequest,
    UpdateApplicationTimeoutsResponse,
)
from tests.unit.hadoop_client.rpc_server import Call, RpcServer

ID = ApplicationId(7, 1700000000000)
NOT_FOUND = "org.apache.hadoop.yarn.exceptions.ApplicationNotFoundException"
YARN_EXCEPTION = "org.apache.hadoop.yarn.exceptions.YarnException"
TOKEN = Token(b"identifier", b"password", "RM_DELEGATION_TOKEN", "")


class ResourceManager:
    """Answers each method with its message."""

    def __init__(self, **answers: Message) -> None:
        self.answers = answers
        self.requests: list[tuple[str, bytes]] = []

    def __call__(self, call: Call) -> None:
        self.requests.append((call.method, call.body))
        call.answer(self.answers[call.method])


def connect(server: RpcServer, **options: float) -> YarnClient:
    host, port = server.address
    configuration = Configuration({"yarn.resourcemanager.address": f"{host}:{port}"})
    return YarnClient.connect(configuration, Login("alice"), **options)


async def test_an_application_is_submitted_under_a_new_id() -> None:
    manager = ResourceManager(
        getNewApplication=GetNewApplicationResponse(ID, Resource(4096, 4)),
        submitApplication=SubmitApplicationResponse(),
    )
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            new = await yarn.new_application()
            context = ApplicationSubmissionContext(new.application_id, "a name")
            await yarn.submit(context)
    assert (new.application_id, new.maximum_capability) == (ID, Resource(4096, 4))
    method, body = manager.requests[-1]
    assert method == "submitApplication"
    assert SubmitApplicationRequest.decode(body) == SubmitApplicationRequest(context)


async def test_applications_are_found_by_all_filters_and_read_by_their_ids() -> None:
    report = ApplicationReport(ID, "alice", state=ApplicationState.RUNNING)
    manager = ResourceManager(getApplications=GetApplicationsResponse((report.encode(),)))
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            reports = await yarn.applications(
                states=[ApplicationState.RUNNING],
                tags={"tag"},
                users=("alice", "bob"),
                queues=["default"],
                types=["YARN"],
                limit=10,
            )
            await yarn.applications()
    assert dict(reports) == {str(ID): report}
    filtered, all_of_them = (GetApplicationsRequest.decode(body) for _, body in manager.requests)
    assert filtered == GetApplicationsRequest(
        ("YARN",), (ApplicationState.RUNNING,), ("alice", "bob"), ("default",), 10, ("tag",)
    )
    assert all_of_them == GetApplicationsRequest()


async def test_one_application_is_reported() -> None:
    report = ApplicationReport(ID, "alice")
    manager = ResourceManager(getApplicationReport=GetApplicationReportResponse(report))
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            assert await yarn.report(ID) == report
    assert GetApplicationReportRequest.decode(manager.requests[0][1]).application_id == ID


async def test_an_application_that_yarn_does_not_know_has_no_report_and_has_ended() -> None:
    with RpcServer(lambda call: call.refuse(NOT_FOUND, f"{ID} doesn't exist in RM.")) as server:
        async with connect(server) as yarn:
            assert await yarn.report(ID) is None
            assert await yarn.kill(ID) is True


async def test_any_other_refusal_is_raised() -> None:
    with RpcServer(lambda call: call.refuse(YARN_EXCEPTION, "no")) as server:
        async with connect(server) as yarn:
            for call in (yarn.report(ID), yarn.kill(ID), yarn.new_application(), yarn.queues()):
                with pytest.raises(RpcError, match="YarnException: no"):
                    await call


@pytest.mark.parametrize("completed", [True, False])
async def test_a_kill_reports_whether_the_application_has_ended(completed: bool) -> None:
    manager = ResourceManager(forceKillApplication=KillApplicationResponse(completed))
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            assert await yarn.kill(ID, "why") is completed
    assert KillApplicationRequest.decode(manager.requests[0][1]) == KillApplicationRequest(
        ID, "why"
    )


async def test_the_end_of_a_lifetime_is_set_and_read_to_the_millisecond() -> None:
    end = datetime(2026, 11, 30, 23, 59, 59, 999_000, timezone(timedelta(hours=5, minutes=30)))
    manager = ResourceManager(updateApplicationTimeouts=UpdateApplicationTimeoutsResponse())
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            await yarn.set_lifetime_end(ID, end)
    request = UpdateApplicationTimeoutsRequest.decode(manager.requests[0][1])
    (update,) = request.application_timeouts
    assert (request.application_id, update.type) == (ID, TimeoutType.LIFETIME)
    assert update.expire_time == "2026-11-30T18:29:59.999+0000"
    timeout = ApplicationTimeout(expire_time=update.expire_time, remaining_time=1)
    report = ApplicationReport(ID, timeouts=(ApplicationTimeoutEntry(timeout=timeout),))
    assert report.lifetime_end == end


def test_the_end_of_a_lifetime_may_be_any_that_a_user_has_set() -> None:
    timeout = ApplicationTimeout(expire_time="292278994-08-17T07:12:55.807+0000", remaining_time=1)
    report = ApplicationReport(ID, timeouts=(ApplicationTimeoutEntry(timeout=timeout),))
    assert report.lifetime_end == datetime(9999, 12, 31, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "timeouts",
    [(), (ApplicationTimeoutEntry(timeout=ApplicationTimeout(expire_time="UNLIMITED")),)],
)
def test_an_application_without_a_limit_has_no_end(
    timeouts: tuple[ApplicationTimeoutEntry, ...],
) -> None:
    assert ApplicationReport(ID, timeouts=timeouts).lifetime_end is None


async def test_the_masters_container_is_found_through_its_attempt() -> None:
    attempt = ApplicationAttemptId(ID, 2)
    container_id = ContainerId(attempt, 1)
    container = ContainerReport(container_id, node_id=NodeId("node", 1))
    manager = ResourceManager(
        getApplicationAttemptReport=GetApplicationAttemptReportResponse(
            ApplicationAttemptReport(attempt, am_container_id=container_id)
        ),
        getContainerReport=GetContainerReportResponse(container),
    )
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            report = ApplicationReport(ID, current_application_attempt_id=attempt)
            assert await yarn.master_container(report) == container
    (_, of_attempt), (_, of_container) = manager.requests
    asked = GetApplicationAttemptReportRequest.decode(of_attempt).application_attempt_id
    assert asked == attempt
    assert GetContainerReportRequest.decode(of_container).container_id == container_id


async def test_an_application_that_waits_has_no_container() -> None:
    manager = ResourceManager(getApplicationAttemptReport=GetApplicationAttemptReportResponse())
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            assert await yarn.master_container(ApplicationReport(ID)) is None


async def test_only_queues_without_children_take_applications() -> None:
    leaves = (QueueInfo("default"), QueueInfo("research"), QueueInfo("teaching"))
    root = QueueInfo("root", child_queues=(leaves[0], QueueInfo("all", child_queues=leaves[1:])))
    manager = ResourceManager(getQueueInfo=GetQueueInfoResponse(root))
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            assert await yarn.queues() == list(leaves)
            manager.answers["getQueueInfo"] = GetQueueInfoResponse()
            assert await yarn.queues() == []


async def test_nodes_are_those_in_the_states_that_were_named() -> None:
    node = NodeReport(NodeId("node", 1), state=NodeState.UNHEALTHY)
    manager = ResourceManager(getClusterNodes=GetClusterNodesResponse((node,)))
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            assert await yarn.nodes([NodeState.UNHEALTHY, NodeState.LOST]) == (node,)
            await yarn.nodes()
    named, default = (GetClusterNodesRequest.decode(body) for _, body in manager.requests)
    assert named.node_states == (NodeState.UNHEALTHY, NodeState.LOST)
    assert default.node_states == (NodeState.RUNNING,)


async def test_node_labels_are_those_of_the_cluster() -> None:
    labels = (NodeLabel("gpu"), NodeLabel("ssd"))
    manager = ResourceManager(getClusterNodeLabels=GetClusterNodeLabelsResponse(labels))
    with RpcServer(manager) as server:
        async with connect(server) as yarn:
            assert await yarn.node_labels() == {"gpu", "ssd"}


async def test_without_a_login_it_is_the_user_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", "carol")
    manager = ResourceManager(getClusterNodes=GetClusterNodesResponse())
    with RpcServer(manager) as server:
        host, port = server.address
        configuration = Configuration({"yarn.resourcemanager.address": f"{host}:{port}"})
        async with YarnClient.connect(configuration) as yarn:
            await yarn.nodes()
        context = server.sides[0].context
    assert context is not None
    assert context.user is not None
    assert (context.user.effective_user, context.user.real_user) == ("carol", None)


async def test_a_token_needs_no_ticket_on_a_cluster_with_kerberos() -> None:
    manager = ResourceManager(getClusterNodes=GetClusterNodesResponse())
    with RpcServer(manager, token=TOKEN) as server:
        host, port = server.address
        configuration = Configuration(
            {
                "hadoop.security.authentication": "kerberos",
                "yarn.resourcemanager.address": f"{host}:{port}",
            }
        )
        async with YarnClient.connect(configuration, Login(token=TOKEN)) as yarn:
            assert await yarn.nodes() == ()


async def test_a_token_is_used_with_the_configured_protection_only() -> None:
    with RpcServer(ResourceManager(), token=TOKEN, qop="auth") as server:
        host, port = server.address
        configuration = Configuration(
            {"hadoop.rpc.protection": "privacy", "yarn.resourcemanager.address": f"{host}:{port}"}
        )
        async with YarnClient.connect(configuration, Login(token=TOKEN)) as yarn:
            with pytest.raises(LoginError, match="no common protection"):
                await yarn.nodes()


async def test_the_connection_ends_with_the_block() -> None:
    before = asyncio.all_tasks()
    manager = ResourceManager(getClusterNodes=GetClusterNodesResponse())
    with RpcServer(manager) as server:
        async with connect(server, timeout=60) as yarn:
            await yarn.nodes()
            await yarn.nodes()
        server.wait_for_ends()
        assert server.connections == 1
    assert asyncio.all_tasks() == before
