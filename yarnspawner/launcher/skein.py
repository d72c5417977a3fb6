"""The second launcher: YARN by skein, for who wants it; our own client is `direct`.

skein speaks to YARN by a driver, a JVM, whose calls have no deadline and which nobody starts again.
What is made of that here:

- The driver works on two calls at a time, so it never gets more: one that changes something, one
  that looks. Each has a thread; no more than these two can ever wait for a driver that is stuck.
- A call, or a start, that takes too long ends the driver, which is also what frees its thread.
- The next call starts another driver, once for all who wait, and after a pause that grows.
- Each application has certificates of its own, never the driver's.

What YARN would be told of a server's end, and why it was killed, skein does not pass on.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import skein

from hadoop_client.configuration import ConfigurationError
from hadoop_client.rpc.call import RpcError
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.records import ApplicationId, ApplicationState, QueueState, Resource
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo
from yarnspawner.failures import OptionsError
from yarnspawner.launch.program import build_payload, unpack_command
from yarnspawner.launch.spec import GPU, LaunchSpec, LocalizedFile
from yarnspawner.launcher.interface import (
    ALIVE,
    ClusterRefusedError,
    ClusterUnreachableError,
    Container,
    Phase,
)
from yarnspawner.launcher.port_endpoint import RECEIVED_PORTS
from yarnspawner.launcher.skein_driver import Answer, Driver, DriverPausedError
from yarnspawner.tags import spawn_tags
from yarnspawner.yarn_messages import explain_queue, explain_refusal

#: What the container finds our program as.
PROGRAM = "yarnhub-payload"

#: What skein's application master has resident beside the server, in the same container.
SKEIN_MEMORY_MB = 209
CHANGE_DEADLINE_SECONDS, LOOK_DEADLINE_SECONDS = 60.0, 30.0

#: How long a call may take with those before it.
LONGEST_WAIT_SECONDS = 180.0
UNKNOWN_APPLICATION = "Unknown ApplicationId"


class SkeinLauncher:
    """YARN for one hub, as `yarnspawner.launcher.interface.Launcher` describes it."""

    def __init__(self, principal: str | None, keytab: str | None) -> None:
        if (principal is None) != (keytab is None):
            raise ConfigurationError(
                "c.YarnSpawner.principal and c.YarnSpawner.keytab are set together, or not at all."
            )
        # gRPC would ask a proxy for the driver, which is on this machine.
        os.environ["no_grpc_proxy"] = "127.0.0.1"  # noqa: SIM112 - gRPC reads it so

        def start() -> Any:
            return skein.Client(
                principal=principal, keytab=keytab, security=skein.Security.new_credentials()
            )

        self._driver = Driver(start)
        self._changes = ThreadPoolExecutor(1, "skein-change")
        self._looks = ThreadPoolExecutor(1, "skein-look")

    async def _change(self, do: Callable[[Any], Answer]) -> Answer:
        return await self._call(self._changes, do, CHANGE_DEADLINE_SECONDS)

    async def _look(self, do: Callable[[Any], Answer]) -> Answer:
        return await self._call(self._looks, do, LOOK_DEADLINE_SECONDS)

    async def _call(
        self, thread: ThreadPoolExecutor, do: Callable[[Any], Answer], deadline: float
    ) -> Answer:
        call = asyncio.get_running_loop().run_in_executor(thread, self._driver.call, do, deadline)
        try:
            return await asyncio.wait_for(call, LONGEST_WAIT_SECONDS)
        except (DriverPausedError, skein.exceptions.ConnectionError, asyncio.TimeoutError) as error:
            raise ClusterUnreachableError(
                "skein's driver does not answer; it is started again."
            ) from error
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise ClusterUnreachableError(
                f"skein's driver can't be started: it needs `java` and `yarn` on the hub's PATH, "
                f"and the hub's keytab ({error})."
            ) from error
        except (skein.exceptions.DriverError, ValueError) as error:
            raise ClusterRefusedError(f"YARN refused: {_first_line(error)}") from error

    async def new_application(self) -> tuple[str, Resource | None]:
        """Return no id: skein has one after the submit only."""
        return "", None

    async def submit(self, application_id: str, spec: LaunchSpec) -> str:
        """Submit the application as its user, and return its id; raises `SpawnError` where YARN
        refuses it."""
        check_supported(spec)

        def submit(client: Any) -> str:
            # Readable for the hub's user only, as the file that skein makes of it in HDFS.
            with tempfile.NamedTemporaryFile(prefix=PROGRAM) as file:
                file.write(build_payload(spec.launch))
                file.flush()
                return str(client.submit(application_spec(spec, file.name)))

        try:
            return await self._change(submit)
        except ClusterRefusedError as refused:
            await self._check_queue(spec.queue)
            said = RpcError("", _first_line(refused.__cause__))
            raise explain_refusal(said, spec.user) from refused

    async def _check_queue(self, name: str) -> None:
        """Raise `QueueError` for an unknown queue: of those the driver only says `null`."""
        try:
            await self._look(lambda client: client.get_queue(name))
        except ClusterRefusedError as refused:
            raise explain_queue(_first_line(refused.__cause__)) from refused

    async def list_applications(
        self, tag: str, states: Sequence[ApplicationState] = ALIVE
    ) -> Mapping[str, ApplicationReport]:
        """Return the reports of all applications that carry `tag` and are in one of `states`."""
        names = [state.name for state in states]
        found = await self._look(lambda client: client.get_applications(states=names))
        return {each.id: report_of(each) for each in found if tag in each.tags}

    async def report(self, application_id: str) -> ApplicationReport | None:
        """Return one application's report, None where YARN does not know it."""
        try:
            found = await self._look(lambda client: client.application_report(application_id))
        except ClusterRefusedError as refused:
            if UNKNOWN_APPLICATION not in str(refused):
                raise
            # The driver says so of whatever goes wrong; a list it can only have from YARN.
            every = [state.name for state in ApplicationState]
            known = await self._look(lambda client: client.get_applications(states=every))
            return next((report_of(each) for each in known if each.id == application_id), None)
        return report_of(found)

    async def has_issued(self, application_id: str) -> bool:
        """Return False: skein has no ids before the submit, so that there is nothing to compare."""
        return False

    def server_port(self, report: ApplicationReport) -> int | None:
        """Return the port that this start has reported, None until it has."""
        if report.state is not ApplicationState.RUNNING:
            return None
        return next((RECEIVED_PORTS.get(tag) for tag in spawn_tags(report.tags)), None)

    async def container(self, report: ApplicationReport) -> Container | None:
        """Return where skein's application master says that it runs: it asks YARN for no more."""
        if report.host in ("", "N/A"):
            return None
        return Container(report.host, Phase.RUNNING)

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        """Ask YARN, as the user, to end an application; without effect on one that has ended."""
        try:
            await self._change(lambda client: client.kill_application(application_id, user=user))
        except ClusterRefusedError as refused:
            if UNKNOWN_APPLICATION not in str(refused):
                raise

    async def queues(self) -> list[QueueInfo]:
        """Return all queues that applications can be submitted to."""

        def leaves(client: Any) -> list[Any]:
            queues = client.get_all_queues()
            return [each for each in queues if not client.get_child_queues(each.name)]

        return [queue_of(each) for each in await self._look(leaves)]

    async def node_hosts(self) -> list[str]:
        """Return the names of the nodes that containers may run on."""
        nodes = await self._look(lambda client: client.get_nodes(states=["RUNNING"]))
        return [str(node.host) for node in nodes]

    async def close(self) -> None:
        """End the driver, and with it the calls that wait for it."""
        await asyncio.to_thread(self._driver.close)
        self._changes.shutdown(wait=False, cancel_futures=True)
        self._looks.shutdown(wait=False, cancel_futures=True)


def _first_line(error: BaseException | None) -> str:
    """Return what went wrong, without skein's heading and Java's stack."""
    lines = [line for line in str(error).splitlines() if line and not line.endswith("exception:")]
    return lines[0] if lines and lines[0] != "null" else "skein does not say why"


def check_supported(spec: LaunchSpec) -> None:
    """Refuse what skein can't ask YARN for; raises `OptionsError`."""
    wanted = {
        "a priority": spec.priority is not None,
        "a lifetime": spec.lifetime_seconds is not None,
        **{f"the resource {name}": name != GPU for name in spec.resources},
    }
    for what, is_wanted in wanted.items():
        if is_wanted:
            raise OptionsError(
                f"The server is to have {what}, which the launcher skein can't ask for: an "
                "administrator has to leave that out or set c.YarnSpawner.launcher = 'direct'."
            )


def application_spec(spec: LaunchSpec, payload: str) -> Any:
    """Return what skein is sent. `payload` is the file of the edge node with our program."""
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


def _file(file: LocalizedFile) -> Any:
    return skein.File(
        str(file.url),
        type="ARCHIVE" if file.archive else "FILE",
        visibility="PUBLIC" if file.public else "PRIVATE",
        size=file.size_bytes,
        timestamp=file.modification_time_ms,
    )


def report_of(report: Any) -> ApplicationReport:
    """Return skein's report as YARN's. Its port is that of skein's application master."""
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


def queue_of(queue: Any) -> QueueInfo:
    """Return skein's queue as YARN's, which has fractions for percentages."""
    return QueueInfo(
        name=queue.name,
        capacity=queue.capacity / 100,
        maximum_capacity=queue.max_capacity / 100,
        current_capacity=queue.percent_used / 100,
        state=QueueState[str(queue.state)],
        accessible_node_labels=tuple(queue.node_labels),
    )
