"""The launcher: YARN over our own RPC client. No JVM, no process, no thread per server.

The hub's own identity asks for application ids and for the states of all servers, on one
connection that stays open. What is done for a user is done as that user, who is impersonated on a
connection of a few milliseconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from yarnspawner.cluster import ClusterAway, ClusterRefused
from yarnspawner.failures import explain_refusal
from yarnspawner.hadoop.aio import AsyncClient
from yarnspawner.hadoop.credentials import Credentials
from yarnspawner.hadoop.records import (
    ApplicationId,
    ApplicationState,
    Resource,
)
from yarnspawner.hadoop.reports import ApplicationReport
from yarnspawner.hadoop.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    FORCE_KILL_APPLICATION,
    GET_APPLICATION_ATTEMPT_REPORT,
    GET_APPLICATION_REPORT,
    GET_APPLICATIONS,
    GET_CONTAINER_REPORT,
    GET_NEW_APPLICATION,
    SUBMIT_APPLICATION,
    GetApplicationAttemptReportRequest,
    GetApplicationReportRequest,
    GetApplicationsRequest,
    GetContainerReportRequest,
    GetNewApplicationRequest,
    KillApplicationRequest,
    SubmitApplicationRequest,
)
from yarnspawner.hadoop.rpc import ConnectError, Login, RpcError
from yarnspawner.launch import LaunchSpec, submission_context

ALIVE = tuple(state for state in ApplicationState if not state.ended)


class DirectCluster:
    """YARN for one hub, as `yarnspawner.cluster.Cluster` describes it."""

    def __init__(self, addresses: list[tuple[str, int]], hub_user: str) -> None:
        self._addresses = addresses
        self._hub_user = hub_user
        self._hub = self._client(Login(user=hub_user))

    def _client(self, login: Login) -> AsyncClient:
        return AsyncClient(self._addresses, APPLICATION_CLIENT_PROTOCOL, login)

    @asynccontextmanager
    async def _as_user(self, user: str) -> AsyncIterator[AsyncClient]:
        client = self._client(Login(user=user, real_user=self._hub_user))
        try:
            yield client
        finally:
            await client.close()

    async def new_application(self) -> tuple[str, Resource]:
        """Get an application id, and what one container may have at most."""
        with cluster_errors():
            response = await self._hub.call(GET_NEW_APPLICATION, GetNewApplicationRequest())
        return str(response.application_id), response.maximum_capability

    async def submit(self, application_id: str, spec: LaunchSpec) -> None:
        """Submit the application as its user; raises `SpawnFailure` where YARN refuses it."""
        context = submission_context(
            spec, ApplicationId.parse(application_id), Credentials(tokens={}, secrets={})
        )
        request = SubmitApplicationRequest(application_submission_context=context)
        with cluster_errors():
            async with self._as_user(spec.user) as client:
                try:
                    await client.call(SUBMIT_APPLICATION, request)
                except RpcError as error:
                    raise explain_refusal(error, spec.user) from error

    async def list_applications(self, tag: str) -> list[ApplicationReport]:
        """Return the reports of all applications that carry `tag` and have not ended."""
        request = GetApplicationsRequest(application_states=ALIVE, application_tags=(tag,))
        with cluster_errors():
            return list((await self._hub.call(GET_APPLICATIONS, request)).applications)

    async def report(self, application_id: str) -> ApplicationReport | None:
        """Return one application's report, None where YARN does not know it."""
        request = GetApplicationReportRequest(application_id=ApplicationId.parse(application_id))
        with cluster_errors():
            try:
                return (await self._hub.call(GET_APPLICATION_REPORT, request)).application_report
            except RpcError as error:
                if error.name == "ApplicationNotFoundException":
                    return None
                raise

    async def server_address(self, user: str, report: ApplicationReport) -> tuple[str, int]:
        """Return the node on which YARN runs the server, and the port it registered.

        The host that an application master registers is only its word; YARN's report of the
        container is where it really runs.
        """
        attempt = GetApplicationAttemptReportRequest(
            application_attempt_id=report.current_application_attempt_id
        )
        with cluster_errors():
            async with self._as_user(user) as client:
                master = await client.call(GET_APPLICATION_ATTEMPT_REPORT, attempt)
                container = await client.call(
                    GET_CONTAINER_REPORT,
                    GetContainerReportRequest(
                        container_id=master.application_attempt_report.am_container_id
                    ),
                )
        return container.container_report.node_id.host, report.port

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        """Ask YARN, as the user, to end an application; without effect on one that has ended."""
        request = KillApplicationRequest(
            application_id=ApplicationId.parse(application_id), diagnostics=reason
        )
        with cluster_errors():
            async with self._as_user(user) as client:
                try:
                    await client.call(FORCE_KILL_APPLICATION, request)
                except RpcError as error:
                    if error.name != "ApplicationNotFoundException":
                        raise


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Turn what the RPC client raises into what it means to a spawner."""
    try:
        yield
    except ConnectError as error:
        raise ClusterAway(f"YARN does not answer: {error}.") from error
    except RpcError as error:
        raise ClusterRefused(f"YARN refused: {error}.") from error
