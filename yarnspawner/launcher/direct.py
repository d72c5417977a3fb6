"""The default launcher: YARN through `hadoop_client`. No JVM, and no process or thread per server.

The hub's user requests application ids and the states of all servers, on one connection that stays
open. Submits and kills are done as the server's user, whom the hub impersonates on a connection of
the user's own. The number of these connections is limited.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from hadoop_client.configuration import Configuration
from hadoop_client.rpc import aio
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import ConnectError, Login, RpcError
from hadoop_client.rpc.pool import ClientPool
from hadoop_client.security import kerberos
from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.yarn.client import YarnClient
from hadoop_client.yarn.records import ALIVE, ApplicationId, ApplicationState, NodeState, Resource
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo
from hadoop_client.yarn.resourcemanager import APPLICATION_CLIENT_PROTOCOL
from yarnspawner.launch.limits import SubmissionLimits, check_submission
from yarnspawner.launch.spec import LaunchSpec, submission_context
from yarnspawner.launcher.delegation_tokens import TokenRefusedError, Tokens
from yarnspawner.launcher.interface import (
    ClusterAnswerTooLargeError,
    ClusterRefusedError,
    ClusterUnreachableError,
    Container,
    Phase,
)
from yarnspawner.launcher.node_rest import get_from_node, node_url
from yarnspawner.metrics import observe_call
from yarnspawner.tags import APPLICATION_TYPE
from yarnspawner.yarn_messages import explain_refusal

NODE_TIMEOUT_SECONDS = 1.0

#: The states of applications that do not run yet.
PENDING = tuple(state for state in ALIVE if state is not ApplicationState.RUNNING)

#: The largest report in a list. Ours have a tenth of that, also with all tags.
MAX_REPORT_BYTES = 64 << 10

#: The limit of the body of a node's answer.
MAX_NODE_BYTES = 64 << 10


class DirectLauncher:
    """YARN for one hub; implements `yarnspawner.launcher.interface.Launcher`."""

    def __init__(
        self, configuration: Configuration, hub_user: str, tokens: Tokens | None = None
    ) -> None:
        self._hub_user = hub_user
        self._tokens = tokens
        self._limits = SubmissionLimits.of(configuration)
        hub = AsyncClient(
            configuration.resourcemanager_addresses(),
            APPLICATION_CLIENT_PROTOCOL,
            Login(user=hub_user),
            prepare=kerberos.logins(configuration, kerberos.RESOURCEMANAGER),
            on_call=observe_call,
        )
        self._hub = YarnClient(hub)
        # An answer that is too large ends its connection, which must not interrupt other calls.
        self._lists = YarnClient(hub.for_login(Login(user=hub_user)))
        self._users = ClientPool(hub.for_login)

    @asynccontextmanager
    async def _as_user(self, user: str) -> AsyncIterator[YarnClient]:
        async with self._users.client(Login.impersonating(user, self._hub_user)) as client:
            yield YarnClient(client)

    async def new_application(self) -> tuple[str, Resource | None]:
        """Return a new application id, and the maximum resources of one container."""
        with cluster_errors():
            response = await self._hub.new_application()
        return str(response.application_id), response.maximum_capability

    async def submit(self, application_id: str, spec: LaunchSpec) -> str:
        """Submit the application as its user, and return its id.

        Raises `SpawnError` if YARN refuses it, or would.
        """
        tokens: Mapping[str, Token] = {}
        if self._tokens is not None:
            try:
                tokens = await self._tokens.fetch(spec.user, for_submit=True)
            except TokenRefusedError as refused:
                raise explain_refusal(refused.error, spec.user) from refused
        context = submission_context(spec, ApplicationId.parse(application_id), Credentials(tokens))
        check_submission(context, self._limits)
        with cluster_errors():
            async with self._as_user(spec.user) as yarn:
                try:
                    await yarn.submit(context)
                except RpcError as error:
                    raise explain_refusal(error, spec.user) from error
        return application_id

    async def list_applications(
        self, tag: str, states: Sequence[ApplicationState] = ALIVE
    ) -> Mapping[str, ApplicationReport]:
        """Return the reports of all applications with `tag` in one of `states`, by their ids.

        Reports of more than `MAX_REPORT_BYTES` are left out.
        """
        with cluster_errors():
            reports = await self._lists.applications(
                states=states, tags=(tag,), types=(APPLICATION_TYPE,)
            )
        # Other users can copy the tag, and give their applications names of any length.
        return reports.without_larger_than(MAX_REPORT_BYTES)

    async def report(self, application_id: str) -> ApplicationReport | None:
        """Return one application's report, or None if YARN does not know it."""
        with cluster_errors():
            return await self._hub.report(ApplicationId.parse(application_id))

    async def has_issued(self, application_id: str) -> bool:
        """Return whether the ResourceManager that answers has issued this id since its last start.

        All ids of a ResourceManager contain the time of its start.
        """
        newest, _ = await self.new_application()
        return (
            ApplicationId.parse(newest).cluster_timestamp
            == ApplicationId.parse(application_id).cluster_timestamp
        )

    def server_port(self, report: ApplicationReport) -> int | None:
        """Return the port on which the server listens, or None if it does not listen yet.

        An application master whose server could not start registers too, without a port, to report
        the reason.
        """
        running = report.state is ApplicationState.RUNNING
        return report.port if running and report.port > 0 else None

    async def container(self, report: ApplicationReport) -> Container | None:
        """Return the container as YARN reports it, or None before YARN allocates one.

        The host that an application master registers is not used: the user could set it.
        """
        with cluster_errors():
            container = await self._hub.master_container(report)
        if container is None:
            return None
        phase = Phase.RUNNING
        if report.state is not ApplicationState.RUNNING:
            phase = await container_phase(container.node_http_address, str(container.container_id))
        return Container(
            container.node_id.host,
            phase,
            container.log_url,
            container.resource.memory_mb,
            container.node_http_address,
            str(container.container_id),
        )

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        """Kill an application as its user; without effect on one that has ended."""
        with cluster_errors():
            async with self._as_user(user) as yarn:
                await yarn.kill(ApplicationId.parse(application_id), reason)

    async def set_lifetime_end(self, user: str, application_id: str, end: datetime) -> None:
        """Set when YARN ends an application, as its user. The maximum of its queue still holds."""
        with cluster_errors():
            async with self._as_user(user) as yarn:
                await yarn.set_lifetime_end(ApplicationId.parse(application_id), end)

    async def queues(self) -> list[QueueInfo]:
        """Return the leaf queues, which applications can be submitted to."""
        with cluster_errors():
            return await self._hub.queues()

    async def waiting_applications(self, queue: str) -> Sequence[ApplicationReport]:
        """Return the applications of all users in a queue that do not run yet."""
        with cluster_errors():
            reports = await self._lists.applications(states=PENDING, queues=(queue,))
        return list(reports.without_larger_than(MAX_REPORT_BYTES).values())

    async def node_hosts(self) -> list[str]:
        """Return the host names of the nodes that containers may run on."""
        with cluster_errors():
            nodes = await self._hub.nodes((NodeState.RUNNING, NodeState.UNHEALTHY))
        return sorted({node.node_id.host for node in nodes})

    async def node_labels(self) -> frozenset[str] | None:
        """Return the node labels that the cluster knows, also those that no node has now."""
        with cluster_errors():
            return await self._hub.node_labels()

    async def close(self) -> None:
        """Close all connections."""
        await self._users.close()
        await self._lists.close()
        await self._hub.close()


async def container_phase(node_http_address: str, container_id: str) -> Phase:
    """Return a container's state from the NodeManager's REST API, UNKNOWN if it does not answer."""
    url = node_url(node_http_address, f"ws/v1/node/containers/{container_id}")
    try:
        answer = await get_from_node(url, NODE_TIMEOUT_SECONDS, MAX_NODE_BYTES)
        state = json.loads(answer)["container"]["state"]
    except Exception:  # noqa: BLE001 (an answer of any kind, of a node that may not be YARN's)
        return Phase.UNKNOWN
    if state == "RUNNING":
        return Phase.RUNNING
    return Phase.LOCALIZING if state in ("NEW", "LOCALIZING") else Phase.UNKNOWN


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Translate errors of the RPC client into `ClusterError`."""
    try:
        yield
    except aio.AnswerTooLargeError as error:
        raise ClusterAnswerTooLargeError(f"YARN's answer is too large: {error}.") from error
    except ConnectError as error:
        raise ClusterUnreachableError(error.about("YARN")) from error
    except RpcError as error:
        raise ClusterRefusedError(f"YARN refused: {error}.") from error
