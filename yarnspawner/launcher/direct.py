"""The launcher: YARN over our own RPC client. No JVM, no process, no thread per server.

The hub's own identity asks for application ids and for the states of all servers, on one
connection that stays open. What is done for a user is done as that user, who is impersonated on a
connection of their own; of those only so many are open at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing, contextmanager

from tornado.httpclient import AsyncHTTPClient, HTTPError

from hadoop_client.configuration import Configuration
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import ConnectError, Login, RpcError
from hadoop_client.rpc.pool import ClientPool
from hadoop_client.security import kerberos
from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.yarn.lazy_reports import LazyApplicationReports
from hadoop_client.yarn.records import ApplicationId, ApplicationState, NodeState, Resource
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    FORCE_KILL_APPLICATION,
    GET_APPLICATION_ATTEMPT_REPORT,
    GET_APPLICATION_REPORT,
    GET_APPLICATIONS,
    GET_CLUSTER_NODES,
    GET_CONTAINER_REPORT,
    GET_NEW_APPLICATION,
    GET_QUEUE_INFO,
    SUBMIT_APPLICATION,
    GetApplicationAttemptReportRequest,
    GetApplicationReportRequest,
    GetApplicationsRequest,
    GetClusterNodesRequest,
    GetContainerReportRequest,
    GetNewApplicationRequest,
    GetQueueInfoRequest,
    KillApplicationRequest,
    SubmitApplicationRequest,
)
from yarnspawner.launch.spec import LaunchSpec, submission_context
from yarnspawner.launcher.delegation_tokens import TokenRefusedError, Tokens
from yarnspawner.launcher.interface import (
    ALIVE,
    ClusterRefusedError,
    ClusterUnreachableError,
    Container,
    Phase,
)
from yarnspawner.metrics import observe_call
from yarnspawner.yarn_messages import explain_refusal

NODE_TIMEOUT_SECONDS = 1.0


class DirectLauncher:
    """YARN for one hub, as `yarnspawner.launcher.interface.Launcher` describes it."""

    def __init__(
        self, configuration: Configuration, hub_user: str, tokens: Tokens | None = None
    ) -> None:
        self._hub_user = hub_user
        self._tokens = tokens
        self._hub = AsyncClient(
            configuration.resourcemanager_addresses(),
            APPLICATION_CLIENT_PROTOCOL,
            Login(user=hub_user),
            prepare=kerberos.logins(configuration, kerberos.RESOURCEMANAGER),
            on_call=observe_call,
        )
        self._users = ClientPool(self._hub.for_login)

    def _as_user(self, user: str) -> AbstractAsyncContextManager[AsyncClient]:
        return self._users.client(Login.impersonating(user, self._hub_user))

    async def new_application(self) -> tuple[str, Resource | None]:
        """Get an application id, and what one container may have at most."""
        with cluster_errors():
            response = await self._hub.call(GET_NEW_APPLICATION, GetNewApplicationRequest())
        return str(response.application_id), response.maximum_capability

    async def submit(self, application_id: str, spec: LaunchSpec) -> str:
        """Submit the application as its user, and return its id; raises `SpawnError` where YARN
        refuses it."""
        tokens: Mapping[str, Token] = {}
        if self._tokens is not None:
            try:
                tokens = await self._tokens.fetch(spec.user, for_submit=True)
            except TokenRefusedError as refused:
                raise explain_refusal(refused.error, spec.user) from refused
        context = submission_context(spec, ApplicationId.parse(application_id), Credentials(tokens))
        request = SubmitApplicationRequest(application_submission_context=context)
        with cluster_errors():
            async with self._as_user(spec.user) as client:
                try:
                    await client.call(SUBMIT_APPLICATION, request)
                except RpcError as error:
                    raise explain_refusal(error, spec.user) from error
        return application_id

    async def list_applications(
        self, tag: str, states: Sequence[ApplicationState] = ALIVE
    ) -> Mapping[str, ApplicationReport]:
        """Return the reports of all applications that carry `tag` and are in one of `states`."""
        request = GetApplicationsRequest(application_states=tuple(states), application_tags=(tag,))
        with cluster_errors():
            return LazyApplicationReports((await self._hub.call(GET_APPLICATIONS, request)).encoded)

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

    async def has_issued(self, application_id: str) -> bool:
        """Tell whether the ResourceManager that answers gave this id out itself: each has the time
        of its start in all of its ids."""
        newest, _ = await self.new_application()
        return (
            ApplicationId.parse(newest).cluster_timestamp
            == ApplicationId.parse(application_id).cluster_timestamp
        )

    def server_port(self, report: ApplicationReport) -> int | None:
        """Return the port on which the server listens, None until it does.

        An application master without a server registers too, only to say why there is none.
        """
        running = report.state is ApplicationState.RUNNING
        return report.port if running and report.port > 0 else None

    async def container(self, report: ApplicationReport) -> Container | None:
        """Return where YARN runs the server, in YARN's own word for it; None before it does.

        The host that an application master registers is only its word; YARN's report of the
        container is where it really runs.
        """
        attempt = GetApplicationAttemptReportRequest(
            application_attempt_id=report.current_application_attempt_id
        )
        with cluster_errors():
            master = await self._hub.call(GET_APPLICATION_ATTEMPT_REPORT, attempt)
            container_id = master.application_attempt_report.am_container_id
            if container_id is None:
                return None
            request = GetContainerReportRequest(container_id=container_id)
            found = (await self._hub.call(GET_CONTAINER_REPORT, request)).container_report
        phase = Phase.RUNNING
        if report.state is not ApplicationState.RUNNING:
            phase = await container_phase(found.node_http_address, str(container_id))
        return Container(found.node_id.host, phase, found.log_url)

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

    async def queues(self) -> list[QueueInfo]:
        """Return all queues that applications can be submitted to."""
        with cluster_errors():
            root = (await self._hub.call(GET_QUEUE_INFO, GetQueueInfoRequest())).queue_info
        return list(_leaves(root)) if root else []

    async def node_hosts(self) -> list[str]:
        """Return the names of the nodes that containers may run on."""
        request = GetClusterNodesRequest(node_states=(NodeState.RUNNING, NodeState.UNHEALTHY))
        with cluster_errors():
            nodes = (await self._hub.call(GET_CLUSTER_NODES, request)).node_reports
        return sorted({node.node_id.host for node in nodes})

    async def close(self) -> None:
        """Close all connections."""
        await self._users.close()
        await self._hub.close()


def _leaves(queue: QueueInfo) -> Iterator[QueueInfo]:
    if not queue.child_queues:
        yield queue
    for child in queue.child_queues:
        yield from _leaves(child)


async def container_phase(node_http_address: str, container_id: str) -> Phase:
    """Ask the node's own page what it does with a container; a node may not tell."""
    scheme = "" if "://" in node_http_address else "http://"
    url = f"{scheme}{node_http_address}/ws/v1/node/containers/{container_id}"
    try:
        # One of its own: those of a common client would wait for nodes that don't answer.
        with closing(AsyncHTTPClient(force_instance=True)) as client:
            response = await client.fetch(url, request_timeout=NODE_TIMEOUT_SECONDS)
        state = json.loads(response.body)["container"]["state"]
    except (OSError, ValueError, KeyError, TypeError, HTTPError):
        return Phase.UNKNOWN
    if state == "RUNNING":
        return Phase.RUNNING
    return Phase.LOCALIZING if state in ("NEW", "LOCALIZING") else Phase.UNKNOWN


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Turn what the RPC client raises into what it means to a spawner."""
    try:
        yield
    except ConnectError as error:
        raise ClusterUnreachableError(error.about("YARN")) from error
    except RpcError as error:
        raise ClusterRefusedError(f"YARN refused: {error}.") from error
