"""The optional second launcher: YARN through skein. The default launcher is `direct`.

skein talks to YARN through a driver, a JVM whose calls have no deadline and that skein does not
restart. This launcher adds both:

- The driver works on two calls at a time, so it gets one change and one query at most, each from
  its own thread. No more than these two threads can wait for a driver that hangs.
- A call or a start that exceeds its deadline kills the driver, which also releases the thread.
- The next call starts a new driver, one for all waiting calls, after a pause that grows.
- Each application has its own certificates, never the driver's.

skein does not pass on to YARN why a server ended or why it was killed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import skein

from hadoop_client.configuration import ConfigurationError
from hadoop_client.rpc.call import RpcError
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.records import ALIVE, ApplicationId, ApplicationState, QueueState, Resource
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo
from yarnspawner.failures import OptionsError
from yarnspawner.launch.amounts import GPU
from yarnspawner.launch.program import build_payload, unpack_command
from yarnspawner.launch.spec import LaunchSpec, LocalizedFile
from yarnspawner.launcher.interface import (
    ClusterRefusedError,
    ClusterUnreachableError,
    Container,
    Phase,
)
from yarnspawner.launcher.port_endpoint import RECEIVED_PORTS
from yarnspawner.launcher.skein_driver import Answer, Driver, DriverPausedError
from yarnspawner.tags import spawn_tags
from yarnspawner.yarn_messages import explain_refusal

#: The name of our program in the container.
PROGRAM = "yarnhub-payload"

#: The resident memory of skein's application master, which shares the server's container.
SKEIN_MEMORY_MB = 209

#: The deadlines of calls that change something, such as a submit, and of queries.
CHANGE_DEADLINE_SECONDS, QUERY_DEADLINE_SECONDS = 60.0, 30.0

#: The deadline of a call including the calls queued before it.
LONGEST_WAIT_SECONDS = 180.0
UNKNOWN_APPLICATION = "Unknown ApplicationId"


class SkeinLauncher:
    """YARN for one hub; implements `yarnspawner.launcher.interface.Launcher`."""

    def __init__(self, principal: str | None, keytab: str | None) -> None:
        if (principal is None) != (keytab is None):
            raise ConfigurationError(
                "c.YarnSpawner.principal and c.YarnSpawner.keytab must be set together."
            )
        # Otherwise gRPC would use an HTTP proxy for the driver, which is on this machine.
        os.environ["no_grpc_proxy"] = "127.0.0.1"  # noqa: SIM112 - gRPC's spelling

        def start() -> skein.Client:
            return skein.Client(
                principal=principal, keytab=keytab, security=skein.Security.new_credentials()
            )

        self._driver = Driver(start)
        self._changes = ThreadPoolExecutor(1, "skein-change")
        self._queries = ThreadPoolExecutor(1, "skein-query")

    async def _change(self, function: Callable[[skein.Client], Answer]) -> Answer:
        return await self._call(self._changes, function, CHANGE_DEADLINE_SECONDS)

    async def _query(self, function: Callable[[skein.Client], Answer]) -> Answer:
        return await self._call(self._queries, function, QUERY_DEADLINE_SECONDS)

    async def _call(
        self,
        thread: ThreadPoolExecutor,
        function: Callable[[skein.Client], Answer],
        deadline: float,
    ) -> Answer:
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(thread, self._driver.call, function, deadline)
        try:
            return await asyncio.wait_for(call, LONGEST_WAIT_SECONDS)
        except (DriverPausedError, skein.exceptions.ConnectionError, asyncio.TimeoutError) as error:
            raise ClusterUnreachableError(
                "skein's driver did not answer. The next call starts it again."
            ) from error
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise ClusterUnreachableError(
                "skein's driver could not be started. It needs `java` and `yarn` on the hub's "
                f"PATH, and the hub's keytab ({error})."
            ) from error
        except (skein.exceptions.DriverError, ValueError) as error:
            raise ClusterRefusedError(f"YARN refused: {_first_line(error)}") from error

    async def new_application(self) -> tuple[str, Resource | None]:
        """Return no id: skein gets it with the submit."""
        return "", None

    async def submit(self, application_id: str, spec: LaunchSpec) -> str:
        """Submit the application as its user, and return its id; raises `SpawnError` if YARN
        refuses it."""
        check_supported(spec)

        def submit(client: skein.Client) -> str:
            # Only the hub's user can read this file, and skein's copy of it in HDFS.
            with tempfile.NamedTemporaryFile(prefix=PROGRAM) as file:
                file.write(build_payload(spec.launch))
                file.flush()
                return str(client.submit(application_spec(spec, file.name)))

        try:
            return await self._change(submit)
        except ClusterRefusedError as refused:
            reason = await self._queue_problem(spec.queue) or _first_line(refused.__cause__)
            raise explain_refusal(RpcError("", reason), spec.user) from refused

    async def _queue_problem(self, name: str) -> str:
        """Return why the queue is not found; empty if it is.

        The driver's error for an unknown queue is only `null`.
        """
        try:
            await self._query(lambda client: client.get_queue(name))
        except ClusterRefusedError as refused:
            return _first_line(refused.__cause__)
        return ""

    async def list_applications(
        self, tag: str, states: Sequence[ApplicationState] = ALIVE
    ) -> Mapping[str, ApplicationReport]:
        """Return the reports of all applications with `tag` in one of `states`, by their ids."""
        names = [state.name for state in states]
        reports = await self._query(lambda client: client.get_applications(states=names))
        return {report.id: report_of(report) for report in reports if tag in report.tags}

    async def report(self, application_id: str) -> ApplicationReport | None:
        """Return one application's report, or None if YARN does not know it."""
        try:
            report = await self._query(lambda client: client.application_report(application_id))
        except ClusterRefusedError as refused:
            if UNKNOWN_APPLICATION not in str(refused):
                raise
            # The driver reports any failure like this. A list of all applications is YARN's answer.
            states = [state.name for state in ApplicationState]
            reports = await self._query(lambda client: client.get_applications(states=states))
            known = (report_of(report) for report in reports if report.id == application_id)
            return next(known, None)
        return report_of(report)

    async def has_issued(self, application_id: str) -> bool:
        """Return False: without an id before the submit there is nothing to compare."""
        return False

    def server_port(self, report: ApplicationReport) -> int | None:
        """Return the port that this start has reported, or None if it has not yet."""
        if report.state is not ApplicationState.RUNNING:
            return None
        return next((RECEIVED_PORTS.get(tag) for tag in spawn_tags(report.tags)), None)

    async def container(self, report: ApplicationReport) -> Container | None:
        """Return the node that skein's application master registered; skein has no more details.

        The application master runs as the user, who could name any host. So a host counts only if
        it is a node of YARN. Otherwise the hub's proxy would connect to it, its own host included.
        """
        if report.host in ("", "N/A"):
            return None
        nodes = await self._query(lambda client: client.get_nodes())
        if report.host not in {str(node.host) for node in nodes}:
            return None
        return Container(report.host, Phase.RUNNING)

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        """Kill an application as its user; without effect on one that has ended."""
        try:
            await self._change(lambda client: client.kill_application(application_id, user=user))
        except ClusterRefusedError as refused:
            if UNKNOWN_APPLICATION not in str(refused):
                raise

    async def set_lifetime_end(self, user: str, application_id: str, end: datetime) -> None:
        """Refuse: skein knows no lifetimes."""
        raise ClusterRefusedError("skein cannot change the lifetime of an application.")

    async def queues(self) -> list[QueueInfo]:
        """Return the leaf queues, which applications can be submitted to."""

        def leaves(client: skein.Client) -> list[skein.model.Queue]:
            queues = client.get_all_queues()
            return [queue for queue in queues if not client.get_child_queues(queue.name)]

        return [queue_of(queue) for queue in await self._query(leaves)]

    async def waiting_applications(self, queue: str) -> Sequence[ApplicationReport]:
        """Return none: skein's list has no times of submission."""
        return ()

    async def node_hosts(self) -> list[str]:
        """Return the host names of the nodes that containers may run on."""
        nodes = await self._query(lambda client: client.get_nodes(states=["RUNNING"]))
        return [str(node.host) for node in nodes]

    async def node_labels(self) -> frozenset[str] | None:
        """Return None: skein only has the labels of the nodes that run now."""
        return None

    async def close(self) -> None:
        """Kill the driver, which also ends the calls that wait for it."""
        await asyncio.to_thread(self._driver.close)
        self._changes.shutdown(wait=False, cancel_futures=True)
        self._queries.shutdown(wait=False, cancel_futures=True)


def _first_line(error: BaseException | None) -> str:
    """Return the reason, without skein's heading and Java's stack."""
    lines = [line for line in str(error).splitlines() if line and not line.endswith("exception:")]
    return lines[0] if lines and lines[0] != "null" else "skein gave no reason"


def check_supported(spec: LaunchSpec) -> None:
    """Raise `OptionsError` if skein lacks a feature that the spec uses."""
    unsupported = {
        "a priority": spec.priority is not None,
        "a lifetime": spec.lifetime_seconds is not None,
        **{f"the resource {name}": name != GPU for name in spec.resources},
    }
    for feature, is_used in unsupported.items():
        if is_used:
            raise OptionsError(
                f"The skein launcher does not support {feature}. Ask an administrator to remove it "
                "or to set c.YarnSpawner.launcher = 'direct'."
            )


def application_spec(spec: LaunchSpec, payload: str) -> skein.ApplicationSpec:
    """Return skein's specification. `payload` is the path of our program on the edge node."""
    program = skein.File(payload, type="FILE", visibility="APPLICATION")
    return skein.ApplicationSpec(
        name=spec.name,
        queue=spec.queue,
        user=spec.user,
        tags=set(spec.tags),
        node_label=spec.node_label,
        max_attempts=1,
        acls=skein.ACLs(enable=True, view_users=[spec.user, *spec.viewers]),
        master=skein.Master(
            script=f"{unpack_command(spec.packed)}exec {spec.python} -E -S {PROGRAM}",
            files={PROGRAM: program, **{file.link: _file(file) for file in spec.files}},
            resources=skein.Resources(
                memory=f"{spec.memory_mb + SKEIN_MEMORY_MB} MiB",
                vcores=spec.vcores,
                gpus=spec.resources.get(GPU, 0),
            ),
            security=skein.Security.new_credentials(),
        ),
    )


def _file(file: LocalizedFile) -> skein.File:
    return skein.File(
        str(file.url),
        type="ARCHIVE" if file.archive else "FILE",
        visibility="PUBLIC" if file.public else "PRIVATE",
        size=file.size_bytes,
        timestamp=file.modification_time_ms,
    )


def report_of(report: skein.model.ApplicationReport) -> ApplicationReport:
    """Convert skein's report, without its port, which is that of skein's application master."""
    return ApplicationReport(
        application_id=ApplicationId.parse(report.id),
        user=report.user,
        queue=report.queue,
        name=report.name,
        host=report.host,
        state=ApplicationState[str(report.state)],
        tracking_url=report.tracking_url,
        diagnostics=report.diagnostics,
        final_status=FinalStatus[str(report.final_status)],
        tags=tuple(report.tags),
    )


def queue_of(queue: skein.model.Queue) -> QueueInfo:
    """Convert skein's queue; its percentages become YARN's fractions."""
    return QueueInfo(
        name=queue.name,
        capacity=queue.capacity / 100,
        maximum_capacity=queue.max_capacity / 100,
        current_capacity=queue.percent_used / 100,
        state=QueueState[str(queue.state)],
        accessible_node_labels=tuple(queue.node_labels),
    )
