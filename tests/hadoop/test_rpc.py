"""Our clients on a real ResourceManager and a real NameNode."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs import namenode
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import Login, RpcError
from hadoop_client.rpc.pool import ClientPool
from hadoop_client.rpc.trace import CONNECT, CallRecord, OnCall, log_call
from hadoop_client.security.credentials import Token
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.lazy_reports import LazyApplicationReports
from hadoop_client.yarn.records import (
    ApplicationAcl,
    ApplicationId,
    ApplicationState,
    ApplicationSubmissionContext,
    ContainerId,
    ContainerLaunchContext,
    NodeState,
    Resource,
)
from hadoop_client.yarn.reports import ApplicationReport
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    FORCE_KILL_APPLICATION,
    GET_APPLICATION_ATTEMPT_REPORT,
    GET_APPLICATION_REPORT,
    GET_APPLICATIONS,
    GET_CLUSTER_METRICS,
    GET_CLUSTER_NODES,
    GET_CONTAINER_REPORT,
    GET_DELEGATION_TOKEN,
    GET_NEW_APPLICATION,
    GET_QUEUE_INFO,
    SUBMIT_APPLICATION,
    GetApplicationAttemptReportRequest,
    GetApplicationReportRequest,
    GetApplicationsRequest,
    GetClusterMetricsRequest,
    GetClusterNodesRequest,
    GetContainerReportRequest,
    GetDelegationTokenRequest,
    GetNewApplicationRequest,
    GetQueueInfoRequest,
    KillApplicationRequest,
    SubmitApplicationRequest,
)
from tests.hadoop.yarn_rest import running_applications
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

HUB = Login(HUB_USER)
ALICE = Login("alice", HUB_USER)

Connect = Callable[..., AsyncClient]
Found = TypeVar("Found")


@pytest.fixture(autouse=True)
def _nothing_left(hadoop: MiniHadoop, wait_until: Any) -> Iterator[None]:
    """What runs while another test restarts the ResourceManager may stay for ten minutes."""
    yield
    wait_until(lambda: not running_applications(hadoop), 60, "the applications have ended")


@pytest.fixture(scope="module")
def conf(hadoop: MiniHadoop) -> Configuration:
    return Configuration.load(hadoop.conf_dir)


@pytest.fixture
async def connect(conf: Configuration) -> AsyncIterator[Connect]:
    """Make clients of the ResourceManager that are closed when the test ends."""
    clients: list[AsyncClient] = []

    def make(login: Login, on_call: OnCall = log_call) -> AsyncClient:
        addresses = conf.resourcemanager_addresses()
        clients.append(AsyncClient(addresses, APPLICATION_CLIENT_PROTOCOL, login, on_call=on_call))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def submit(client: AsyncClient, command: str, tag: str) -> ApplicationId:
    new = await client.call(GET_NEW_APPLICATION, GetNewApplicationRequest())
    context = ApplicationSubmissionContext(
        application_id=new.application_id,
        application_name="rpc é",
        application_tags=(tag,),
        max_app_attempts=1,
        resource=Resource(128, 1),
        am_container_spec=ContainerLaunchContext(
            command=(command,), application_acls=(ApplicationAcl(acl=HUB_USER),)
        ),
    )
    await client.call(SUBMIT_APPLICATION, SubmitApplicationRequest(context))
    return new.application_id


async def report_of(client: AsyncClient, application_id: ApplicationId) -> ApplicationReport:
    request = GetApplicationReportRequest(application_id)
    return (await client.call(GET_APPLICATION_REPORT, request)).application_report


async def eventually(ask: Callable[[], Awaitable[Found | None]], what: str) -> Found:
    """Ask until there is an answer that is true: YARN gives no signal that could be waited for."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 180
    while loop.time() < deadline:
        if found := await ask():
            return found
        await asyncio.sleep(0.05)
    pytest.fail(f"not within 180 s: {what}")


@pytest.mark.smoke
async def test_the_cluster_is_seen(connect: Connect) -> None:
    client = connect(HUB)
    new, nodes, metrics, queue = await asyncio.gather(
        client.call(GET_NEW_APPLICATION, GetNewApplicationRequest()),
        client.call(GET_CLUSTER_NODES, GetClusterNodesRequest((NodeState.RUNNING,))),
        client.call(GET_CLUSTER_METRICS, GetClusterMetricsRequest()),
        client.call(GET_QUEUE_INFO, GetQueueInfoRequest()),
    )
    assert new.application_id.id > 0
    assert new.maximum_capability.memory_mb > 0
    assert len(nodes.node_reports) == 2
    for node in nodes.node_reports:
        assert node.state == NodeState.RUNNING
        assert node.capability.amount("memory-mb") == node.capability.memory_mb
    assert metrics.cluster_metrics.active == 2
    assert queue.queue_info is not None
    assert queue.queue_info.name == "root"
    assert "default" in [child.name for child in queue.queue_info.child_queues]


async def test_hundreds_of_calls_at_once(connect: Connect) -> None:
    client = connect(HUB)
    calls = (client.call(GET_NEW_APPLICATION, GetNewApplicationRequest()) for _ in range(300))
    assert len({str(new.application_id) for new in await asyncio.gather(*calls)}) == 300


async def test_the_life_of_an_application_for_somebody_else(connect: Connect) -> None:
    hub, alice = connect(HUB), connect(ALICE)
    application_id = await submit(alice, "sleep 600", "life")
    tagged = GetApplicationsRequest(application_tags=("life",))
    listed = LazyApplicationReports((await hub.call(GET_APPLICATIONS, tagged)).encoded)
    assert list(listed) == [str(application_id)]
    report = listed[str(application_id)]
    assert report.application_id == application_id
    assert (report.user, report.name, report.tags) == ("alice", "rpc é", ("life",))

    async def container_of() -> ContainerId | None:
        attempt_id = (await report_of(hub, application_id)).current_application_attempt_id
        if attempt_id.attempt_id < 1:
            return None
        request = GetApplicationAttemptReportRequest(attempt_id)
        attempt = await alice.call(GET_APPLICATION_ATTEMPT_REPORT, request)
        return attempt.application_attempt_report.am_container_id

    container_id = await eventually(container_of, "the application's container")
    assert str(container_id).startswith("container_")
    container = await alice.call(GET_CONTAINER_REPORT, GetContainerReportRequest(container_id))
    nodes = await hub.call(GET_CLUSTER_NODES, GetClusterNodesRequest())
    hosts = [node.node_id for node in nodes.node_reports]
    assert container.container_report.node_id in hosts

    async def killed() -> bool:
        kill = KillApplicationRequest(application_id, "no longer wanted ü")
        return (await alice.call(FORCE_KILL_APPLICATION, kill)).is_kill_completed

    await eventually(killed, "the kill is completed")
    report = await report_of(hub, application_id)
    assert (report.state, report.final_status) == (ApplicationState.KILLED, FinalStatus.KILLED)
    assert report.state.ended
    assert "no longer wanted ü" in report.diagnostics


async def test_each_login_of_a_pool_acts_as_itself_on_one_connection(connect: Connect) -> None:
    told: list[CallRecord] = []
    clients = ClientPool(connect(HUB, told.append).for_login)

    async def owner(user: str) -> str:
        async with clients.client(Login(user, HUB_USER)) as client:
            application_id = await submit(client, "true", f"pool-{user}")
            return (await report_of(client, application_id)).user

    users = ["alice", "bob"] * 5
    assert await asyncio.gather(*(owner(user) for user in users)) == users
    await clients.close()
    connections = [record.user for record in told if record.method == CONNECT]
    assert sorted(map(str, connections)) == ["alice", "bob"]
    calls = [record for record in told if record.method != CONNECT]
    assert len(calls) == 30
    assert {(record.outcome, record.real_user) for record in calls} == {("ok", HUB_USER)}


async def test_one_may_act_only_for_whom_hadoop_allows(connect: Connect) -> None:
    client = connect(Login("mallory", HUB_USER))
    calls = (client.call(GET_NEW_APPLICATION, GetNewApplicationRequest()) for _ in range(3))
    for error in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(error, RpcError)
        assert error.fatal
        assert error.message == f"User: {HUB_USER} is not allowed to impersonate mallory"


async def test_an_unknown_application_is_told_in_one_sentence(connect: Connect) -> None:
    with pytest.raises(RpcError) as caught:
        await report_of(connect(HUB), ApplicationId(1, 1))
    assert caught.value.name == "ApplicationNotFoundException"
    assert "\tat" not in str(caught.value)


@pytest.mark.smoke
async def test_a_token_is_a_login(connect: Connect) -> None:
    given = await connect(ALICE).call(GET_DELEGATION_TOKEN, GetDelegationTokenRequest(HUB_USER))
    assert given.token is not None
    assert given.token.kind == "RM_DELEGATION_TOKEN"
    client = connect(Login(token=given.token))
    application_id = await submit(client, "true", "token")
    assert (await report_of(client, application_id)).user == "alice"
    changed = Token(given.token.identifier, b"guessed", given.token.kind, given.token.service)
    with pytest.raises(RpcError) as caught:
        await connect(Login(token=changed)).call(GET_NEW_APPLICATION, GetNewApplicationRequest())
    assert caught.value.name == "SaslException"
    assert caught.value.fatal


@pytest.mark.smoke
def test_files_are_seen(conf: Configuration) -> None:
    addresses = conf.namenode_addresses()
    with BlockingClient(addresses, namenode.CLIENT_PROTOCOL, ALICE) as client:
        home = client.call(
            namenode.GET_FILE_INFO, namenode.GetFileInfoRequest("/user/alice")
        ).status
        missing = client.call(namenode.GET_FILE_INFO, namenode.GetFileInfoRequest("/no")).status
    assert home is not None
    assert (home.type, home.owner) == (namenode.FileType.DIRECTORY, "alice")
    assert home.modification_time > 0
    assert missing is None


def test_a_folder_is_made_given_away_limited_and_removed(conf: Configuration) -> None:
    path = "/user/carol"
    addresses, superuser = conf.namenode_addresses(), Login(getpass.getuser())
    with BlockingClient(addresses, namenode.CLIENT_PROTOCOL, superuser) as client:
        mode = namenode.FsPermission(0o1777)
        assert client.call(namenode.MKDIRS, namenode.MkdirsRequest(path, mode)).result
        client.call(namenode.SET_QUOTA, namenode.SetQuotaRequest(path, namespace_quota=2))
        client.call(namenode.SET_OWNER, namenode.SetOwnerRequest(path, "carol", "people"))
        status = client.call(namenode.GET_FILE_INFO, namenode.GetFileInfoRequest(path)).status
        assert status is not None
        assert (status.owner, status.group, status.permission) == ("carol", "people", mode)
        inner = namenode.MkdirsRequest(f"{path}/a/b", create_parent=True)
        with pytest.raises(RpcError) as caught:
            client.call(namenode.MKDIRS, inner)
        assert caught.value.name == "NSQuotaExceededException"
        for there in (True, False):
            request = namenode.DeleteRequest(path, recursive=True)
            assert client.call(namenode.DELETE, request).result is there


def test_a_refused_proxy_is_told_to_the_blocking_client_too(conf: Configuration) -> None:
    addresses, login = conf.resourcemanager_addresses(), Login("mallory", HUB_USER)
    with (
        BlockingClient(addresses, APPLICATION_CLIENT_PROTOCOL, login) as client,
        pytest.raises(RpcError, match="not allowed to impersonate mallory"),
    ):
        client.call(GET_NEW_APPLICATION, GetNewApplicationRequest())
