"""The ResourceManager for a program that submits applications: one method for each thing it does.

    async with YarnClient.connect() as yarn:
        for application_id, report in (await yarn.applications(users=["alice"])).items():
            print(application_id, report.state.name)

A method raises `RpcError` if YARN refuses the call, and `ConnectError` if no ResourceManager
answers in time. Calls that this class lacks are `AsyncClient.call` with a method of
`hadoop_client.yarn.resourcemanager`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from hadoop_client.configuration import Configuration
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import Login, RpcError
from hadoop_client.security import kerberos
from hadoop_client.yarn.lazy_reports import LazyApplicationReports
from hadoop_client.yarn.records import (
    ApplicationId,
    ApplicationState,
    ApplicationSubmissionContext,
    NodeState,
    TimeoutUpdate,
)
from hadoop_client.yarn.reports import (
    ApplicationReport,
    ContainerReport,
    NodeReport,
    QueueInfo,
    expire_time,
)
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    FORCE_KILL_APPLICATION,
    GET_APPLICATION_ATTEMPT_REPORT,
    GET_APPLICATION_REPORT,
    GET_APPLICATIONS,
    GET_CLUSTER_NODE_LABELS,
    GET_CLUSTER_NODES,
    GET_CONTAINER_REPORT,
    GET_NEW_APPLICATION,
    GET_QUEUE_INFO,
    SUBMIT_APPLICATION,
    UPDATE_APPLICATION_TIMEOUTS,
    GetApplicationAttemptReportRequest,
    GetApplicationReportRequest,
    GetApplicationsRequest,
    GetClusterNodeLabelsRequest,
    GetClusterNodesRequest,
    GetContainerReportRequest,
    GetNewApplicationRequest,
    GetNewApplicationResponse,
    GetQueueInfoRequest,
    KillApplicationRequest,
    SubmitApplicationRequest,
    UpdateApplicationTimeoutsRequest,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["YarnClient"]


class YarnClient:
    """YARN for the login of an `AsyncClient`, in one event loop."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @classmethod
    def connect(
        cls,
        configuration: Configuration | None = None,
        login: Login | None = None,
        *,
        timeout: float = 20.0,
    ) -> YarnClient:
        """Make a client of the cluster that `configuration` describes.

        Without a configuration it loads that of HADOOP_CONF_DIR; without a login the client is the
        user of this process. `timeout` is each call's, in seconds. The first call connects.

        Raises `ConfigurationError`, also if the cluster has Kerberos and this process no ticket.
        """
        configuration = configuration or Configuration.load()
        login = login or Login(kerberos.own_user(configuration))
        prepare = None
        if login.token is None:
            prepare = kerberos.logins(configuration, kerberos.RESOURCEMANAGER)
        elif not login.protections:
            login = replace(login, protections=configuration.rpc_protections)
        addresses = configuration.resourcemanager_addresses()
        return cls(AsyncClient(addresses, APPLICATION_CLIENT_PROTOCOL, login, timeout, prepare))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls without an answer fail."""
        await self._client.close()

    async def new_application(self) -> GetNewApplicationResponse:
        """Get an application id, and the most that one container may have."""
        return await self._client.call(GET_NEW_APPLICATION, GetNewApplicationRequest())

    async def submit(self, context: ApplicationSubmissionContext) -> None:
        """Submit an application; its id is one from `new_application`."""
        await self._client.call(SUBMIT_APPLICATION, SubmitApplicationRequest(context))

    async def applications(
        self,
        *,
        states: Iterable[ApplicationState] = (),
        tags: Iterable[str] = (),
        users: Iterable[str] = (),
        queues: Iterable[str] = (),
        types: Iterable[str] = (),
        limit: int | None = None,
    ) -> LazyApplicationReports:
        """Return the reports of the applications that pass all filters, by application id.

        A filter without values passes every application. One with several passes an application
        that has any of them.
        """
        request = GetApplicationsRequest(
            application_types=tuple(types),
            application_states=tuple(states),
            users=tuple(users),
            queues=tuple(queues),
            limit=limit,
            application_tags=tuple(tags),
        )
        return LazyApplicationReports((await self._client.call(GET_APPLICATIONS, request)).encoded)

    async def report(self, application_id: ApplicationId) -> ApplicationReport | None:
        """Return an application's report; None if YARN does not know the application."""
        request = GetApplicationReportRequest(application_id)
        try:
            return (await self._client.call(GET_APPLICATION_REPORT, request)).application_report
        except RpcError as error:
            if error.name == "ApplicationNotFoundException":
                return None
            raise

    async def master_container(self, report: ApplicationReport) -> ContainerReport | None:
        """Return the container of an application's master; None before it has one."""
        attempt = GetApplicationAttemptReportRequest(report.current_application_attempt_id)
        response = await self._client.call(GET_APPLICATION_ATTEMPT_REPORT, attempt)
        container_id = response.application_attempt_report.am_container_id
        if container_id is None:
            return None
        request = GetContainerReportRequest(container_id)
        return (await self._client.call(GET_CONTAINER_REPORT, request)).container_report

    async def kill(self, application_id: ApplicationId, diagnostics: str | None = None) -> bool:
        """Ask YARN to end an application, and return whether it has ended. If not, ask again.

        YARN shows `diagnostics` as the reason. An application that it does not know has ended.
        """
        request = KillApplicationRequest(application_id, diagnostics)
        try:
            return (await self._client.call(FORCE_KILL_APPLICATION, request)).is_kill_completed
        except RpcError as error:
            if error.name == "ApplicationNotFoundException":
                return True
            raise

    async def set_lifetime_end(self, application_id: ApplicationId, end: datetime) -> None:
        """Set when YARN ends an application: a time that is not over yet, with a time zone.

        The maximum lifetime of the application's queue still holds: the report has the time that
        counts, `ApplicationReport.lifetime_end`.
        """
        update = TimeoutUpdate(expire_time=expire_time(end))
        request = UpdateApplicationTimeoutsRequest(application_id, (update,))
        await self._client.call(UPDATE_APPLICATION_TIMEOUTS, request)

    async def queues(self) -> list[QueueInfo]:
        """Return the queues that take applications: those without child queues."""
        root = (await self._client.call(GET_QUEUE_INFO, GetQueueInfoRequest())).queue_info
        return list(root.leaves()) if root else []

    async def nodes(
        self, states: Iterable[NodeState] = (NodeState.RUNNING,)
    ) -> tuple[NodeReport, ...]:
        """Return the nodes that are in one of `states`."""
        request = GetClusterNodesRequest(tuple(states))
        return (await self._client.call(GET_CLUSTER_NODES, request)).node_reports

    async def node_labels(self) -> frozenset[str]:
        """Return the node labels of the cluster, also those that no node has now."""
        request = GetClusterNodeLabelsRequest()
        answer = await self._client.call(GET_CLUSTER_NODE_LABELS, request)
        return frozenset(label.name for label in answer.node_labels)
