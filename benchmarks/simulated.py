"""A simulated YARN in another process: a ResourceManager, nodes, and a light server for each start.

The ResourceManager speaks Hadoop RPC. Nodes and servers speak HTTP, each node at an address of its
own. A start waits for a node's heartbeat and for its server. Servers do what a hub sees of an idle
jupyterhub-singleuser: they answer at their own path only, and report activity. There are neither
application masters nor containers, so one machine has the memory for thousands of servers.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application as Site
from tornado.web import RequestHandler

from benchmarks.recorded import CLUSTER_TIMESTAMP, RECORDED
from benchmarks.rpc_service import service_process, start_service
from hadoop_client.rpc.call import Address, RpcError
from hadoop_client.security.credentials import Credentials
from hadoop_client.wire import Message
from hadoop_client.yarn import resourcemanager as rm
from hadoop_client.yarn.records import (
    ApplicationAttemptId,
    ApplicationId,
    ApplicationState,
    ApplicationSubmissionContext,
    ContainerId,
    ContainerState,
    Resource,
)
from hadoop_client.yarn.reports import (
    ApplicationAttemptReport,
    ApplicationReport,
    ContainerReport,
    NodeId,
)
from yarnspawner.container.payload import LAUNCH_MEMBER, SECRET_ALIAS, Launch
from yarnspawner.yarn_messages import CONTAINER_STARTED

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

NODES = 50

#: The time between two heartbeats of a node, and from a container to its server, in seconds.
HEARTBEAT_SECONDS, SERVER_SECONDS = 1.0, 0.7

#: How often jupyterhub-singleuser reports activity.
ACTIVITY_SECONDS = 300.0

MAXIMUM = Resource(1 << 20, 1 << 10)


class Api(RequestHandler):
    """What a server answers to its hub."""

    def get(self) -> None:
        self.write({"version": "simulated"})


class ContainerOfNode(RequestHandler):
    """What a node answers about a container."""

    def get(self) -> None:
        self.write({"container": {"state": "RUNNING"}})


@dataclass(frozen=True)
class Node:
    """A node: its address, and the port of its REST API."""

    host: str
    http_port: int

    @classmethod
    def start(cls, number: int) -> Node:
        """Start the node with this number."""
        host = f"127.1.{number // 250}.{number % 250 + 1}"
        return cls(host, listen([(r"/ws/v1/node/containers/.*", ContainerOfNode)], host)[1])


def listen(routes: list[Any], host: str) -> tuple[HTTPServer, int]:
    """Serve `routes` on a free port of `host`; returns the server and the port."""
    server = HTTPServer(Site(routes))
    sockets = bind_sockets(0, host)
    server.add_sockets(sockets)
    return server, sockets[0].getsockname()[1]


@dataclass
class Application:
    """A submitted application. `encoded` is its report, which changes seldom and is read often."""

    report: ApplicationReport
    launch: Launch
    resource: Resource
    node: Node
    encoded: bytes = b""
    container_id: ContainerId | None = None
    life: asyncio.Task[None] | None = None
    server: HTTPServer | None = None

    def update(self, report: ApplicationReport) -> None:
        """Set the report."""
        self.report = report
        self.encoded = report.encode()

    async def live(self) -> None:
        """Start the server on the node, and report activity until the application ends."""
        await asyncio.sleep(random.uniform(0, HEARTBEAT_SECONDS))
        self.container_id = ContainerId(self.report.current_application_attempt_id, 1)
        self.update(replace(self.report, diagnostics=CONTAINER_STARTED, launch_time=now_ms()))
        await asyncio.sleep(SERVER_SECONDS)
        path = self.launch.environment["JUPYTERHUB_SERVICE_PREFIX"]
        self.server, port = listen([(f"{path}api", Api)], self.node.host)
        running = ApplicationState.RUNNING
        host = self.node.host
        self.update(replace(self.report, state=running, host=host, port=port, diagnostics=""))
        await asyncio.sleep(random.uniform(0, ACTIVITY_SECONDS))
        while True:
            await self._report_activity()
            await asyncio.sleep(ACTIVITY_SECONDS)

    async def _report_activity(self) -> None:
        environment = self.launch.environment
        last = {"last_activity": datetime.now(timezone.utc).isoformat()}
        name = environment["JUPYTERHUB_SERVER_NAME"]
        with suppress(OSError):  # the hub may be restarting
            await AsyncHTTPClient().fetch(
                environment["JUPYTERHUB_ACTIVITY_URL"],
                method="POST",
                headers={"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"},
                body=json.dumps({**last, "servers": {name: last}}),
                raise_error=False,
            )

    def end(self) -> None:
        """End it as YARN does on request."""
        if self.life is not None:
            self.life.cancel()
        if self.server is not None:
            self.server.stop()
        killed = ApplicationState.KILLED
        self.update(replace(self.report, state=killed, finish_time=now_ms()))


def now_ms() -> int:
    """Return YARN's time: milliseconds since 1970."""
    return int(time.time() * 1000)


class ResourceManager:
    """Answers the calls of a hub."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._newest = 0
        self._applications: dict[int, Application] = {}
        #: By method: the request's class, and what answers it as a user.
        self._methods: dict[str, tuple[type[Message], Callable[[str, Any], Message]]] = {
            "getNewApplication": (rm.GetNewApplicationRequest, self._new),
            "submitApplication": (rm.SubmitApplicationRequest, self._submit),
            "getApplicationReport": (rm.GetApplicationReportRequest, self._report),
            "getApplications": (rm.GetApplicationsRequest, self._list),
            "getApplicationAttemptReport": (
                rm.GetApplicationAttemptReportRequest,
                self._attempt,
            ),
            "getContainerReport": (rm.GetContainerReportRequest, self._container),
            "forceKillApplication": (rm.KillApplicationRequest, self._kill),
        }

    def answer(self, user: str, method: str, body: bytes) -> bytes:
        """Answer a call; raises `RpcError` to refuse it."""
        if method not in self._methods:
            raise RpcError("org.apache.hadoop.ipc.RpcNoSuchMethodException", method)
        request, handle = self._methods[method]
        return handle(user, request.decode(body)).encode()

    def _new(self, user: str, request: rm.GetNewApplicationRequest) -> Message:
        self._newest += 1
        return rm.GetNewApplicationResponse(ApplicationId(self._newest, CLUSTER_TIMESTAMP), MAXIMUM)

    def _submit(self, user: str, request: rm.SubmitApplicationRequest) -> Message:
        context = request.application_submission_context
        number = context.application_id.id
        application = Application(
            replace(
                RECORDED,
                application_id=context.application_id,
                current_application_attempt_id=ApplicationAttemptId(context.application_id, 1),
                user=user,
                name=context.application_name,
                tags=context.application_tags,
                state=ApplicationState.ACCEPTED,
                host="N/A",
                port=-1,
                start_time=now_ms(),
                submit_time=now_ms(),
            ),
            launch_of(context),
            context.resource,
            self._nodes[number % len(self._nodes)],
        )
        application.update(application.report)
        application.life = asyncio.create_task(application.live())
        self._applications[number] = application
        return rm.SubmitApplicationResponse()

    def _list(self, user: str, request: rm.GetApplicationsRequest) -> Message:
        states, tags = request.application_states, set(request.application_tags)
        return rm.GetApplicationsResponse(
            tuple(
                application.encoded
                for application in self._applications.values()
                if (not states or application.report.state in states)
                and (not tags or not tags.isdisjoint(application.report.tags))
            )
        )

    def _report(self, user: str, request: rm.GetApplicationReportRequest) -> Message:
        return rm.GetApplicationReportResponse(self._find(request.application_id).report)

    def _attempt(self, user: str, request: rm.GetApplicationAttemptReportRequest) -> Message:
        attempt = request.application_attempt_id
        container = self._find(attempt.application_id).container_id
        return rm.GetApplicationAttemptReportResponse(
            ApplicationAttemptReport(attempt, am_container_id=container)
        )

    def _container(self, user: str, request: rm.GetContainerReportRequest) -> Message:
        container = request.container_id or ContainerId()
        application = self._find(container.application_attempt_id.application_id)
        node = application.node
        return rm.GetContainerReportResponse(
            ContainerReport(
                container,
                application.resource,
                NodeId(node.host, node.http_port),
                state=ContainerState.RUNNING,
                node_http_address=f"{node.host}:{node.http_port}",
            )
        )

    def _kill(self, user: str, request: rm.KillApplicationRequest) -> Message:
        self._find(request.application_id).end()
        return rm.KillApplicationResponse(True)

    def _find(self, application_id: ApplicationId) -> Application:
        application = self._applications.get(application_id.id)
        if application is None:
            name = "org.apache.hadoop.yarn.exceptions.ApplicationNotFoundException"
            raise RpcError(name, f"{application_id} does not exist")
        return application


def launch_of(context: ApplicationSubmissionContext) -> Launch:
    """Return what a submission carries for its application master."""
    credentials = Credentials.from_bytes(context.am_container_spec.tokens or b"")
    with zipfile.ZipFile(io.BytesIO(credentials.secrets[SECRET_ALIAS])) as payload:
        return Launch.from_json(payload.read(LAUNCH_MEMBER))


def simulated_cluster(nodes: int = NODES) -> AbstractContextManager[Address]:
    """Run a cluster inside the context; yields the ResourceManager's address."""
    return service_process(_run, nodes)


def _run(parent: Pipe, nodes: int) -> None:
    asyncio.run(_serve(parent, nodes))


async def _serve(parent: Pipe, nodes: int) -> None:
    manager = ResourceManager([Node.start(number) for number in range(nodes)])
    service = await start_service(manager.answer)
    parent.send(service.sockets[0].getsockname())
    await service.serve_forever()
