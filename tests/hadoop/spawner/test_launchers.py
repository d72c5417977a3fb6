"""What a spawner may rely on with either launcher: the interface of
`yarnspawner.launcher.interface`."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from hadoop_client.configuration import Configuration
from hadoop_client.yarn.records import ALIVE, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from tests.hadoop.hub import LIGHT_SERVER
from tests.hadoop.yarn_rest import running_applications
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER
from yarnspawner.container.payload import Launch
from yarnspawner.container.sealing import verify
from yarnspawner.failures import ImpersonationError, QueueError, SpawnError
from yarnspawner.launch.spec import LaunchSpec
from yarnspawner.launcher.direct import DirectLauncher
from yarnspawner.launcher.interface import ClusterError, Launcher
from yarnspawner.launcher.port_endpoint import RECEIVED_PORTS, PortReport, accept
from yarnspawner.launcher.skein import SkeinLauncher
from yarnspawner.tags import new_spawn_tag
from yarnspawner.yarn_messages import explain_end

pytestmark = pytest.mark.asyncio(loop_scope="module")

LAUNCHERS: dict[str, Callable[[Configuration], Launcher]] = {
    "direct": lambda configuration: DirectLauncher(configuration, HUB_USER),
    "skein": lambda _: SkeinLauncher(None, None),
}

#: Each call ends within this, also where YARN is away.
BOUND_SECONDS = 200.0
NOBODYS = "application_1_0001"


@pytest.fixture(scope="module")
def configuration(hadoop: MiniHadoop) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in hadoop.env().items():
            patch.setenv(name, value)
        patch.setenv("HADOOP_USER_NAME", HUB_USER)
        yield Configuration.load()


@pytest.fixture(scope="module", params=LAUNCHERS)
def launcher(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(launcher: str, configuration: Configuration) -> AsyncIterator[Launcher]:
    opened = LAUNCHERS[launcher](configuration)
    yield opened
    await opened.close()


@pytest.fixture
def spec(configuration: Configuration) -> LaunchSpec:
    """A light server of alice's, with a tag of its hub and one of its start."""
    tag = "yarnhub-" + secrets.token_hex(8)
    return LaunchSpec(
        user="alice",
        name="jupyterhub-alice",
        queue="default",
        memory_mb=256,
        vcores=1,
        tags=(tag, new_spawn_tag()),
        python=sys.executable,
        files=(),
        viewers=(HUB_USER,),
        launch=Launch(
            [str(LIGHT_SERVER)],
            {
                "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:0/user/alice/",
                "JUPYTERHUB_API_TOKEN": secrets.token_hex(16),
            },
            configuration.scheduler_addresses(),
        ),
    )


@asynccontextmanager
async def hub_for(spec: LaunchSpec, launcher: str) -> AsyncIterator[LaunchSpec]:
    """Have somebody who takes the server's report as the hub does, where the launcher needs it."""
    if launcher == "direct":
        yield spec
        return
    key = secrets.token_bytes(32)

    class Hub(RequestHandler):
        def post(self) -> None:
            verify(key, self.request.headers["Authorization"], "port", self.request.body)
            report = accept(PortReport(), self.request.body, None)
            RECEIVED_PORTS[spec.tags[1]] = report.port
            self.set_status(204)

    (socket,) = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/port", Hub)]))
    server.add_socket(socket)
    url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    environment = {**spec.launch.environment, "JUPYTERHUB_API_URL": url}
    try:
        yield replace(
            spec,
            launch=replace(spec.launch, environment=environment, report_path="port", key=key),
        )
    finally:
        server.stop()
        RECEIVED_PORTS.pop(spec.tags[1], None)


async def submitted(cluster: Launcher, spec: LaunchSpec) -> str:
    application_id, _ = await cluster.new_application()
    return await cluster.submit(application_id, spec)


async def until(
    cluster: Launcher, application_id: str, wanted: Callable[[ApplicationReport], Any]
) -> ApplicationReport:
    """Look at an application until its report is as wanted."""
    deadline = time.monotonic() + 240
    while True:
        report = await cluster.report(application_id)
        assert report is not None
        if wanted(report):
            return report
        assert time.monotonic() < deadline, report
        await asyncio.sleep(0.05)


async def refusal(cluster: Launcher, spec: LaunchSpec) -> SpawnError:
    """Return why YARN does not take an application: it says so at once, or by ending it at once."""
    try:
        application_id = await submitted(cluster, spec)
    except SpawnError as failure:
        return failure
    return explain_end(await until(cluster, application_id, lambda report: report.state.ended))


async def test_a_server_from_its_submit_to_its_end(
    cluster: Launcher, launcher: str, spec: LaunchSpec, tmp_path: Path
):
    tag, spawn_tag = spec.tags
    seen = tmp_path / "seen"
    spec = replace(
        spec, launch=replace(spec.launch, command=[str(LIGHT_SERVER), "wait", str(seen)])
    )
    async with hub_for(spec, launcher) as reachable:
        application_id = await submitted(cluster, reachable)
        listed = await cluster.list_applications(tag)
        assert list(listed) == [application_id]
        assert listed[application_id].user == "alice"
        assert listed[application_id].queue.rpartition(".")[2] == "default"
        assert {tag, spawn_tag} <= set(listed[application_id].tags)
        assert listed[application_id].state in ALIVE
        assert cluster.server_port(listed[application_id]) is None
        assert await cluster.list_applications("yarnhub-of-another") == {}

        seen.touch()  # until now it did not listen
        report = await until(cluster, application_id, cluster.server_port)
        container = await cluster.container(report)
        assert container is not None
        assert container.host in await cluster.node_hosts()
        url = f"http://{container.host}:{cluster.server_port(report)}/user/alice/api"
        assert (await AsyncHTTPClient().fetch(url, request_timeout=60)).code == 200

        await cluster.kill("alice", application_id, "The test is over.")
        ended = await until(cluster, application_id, lambda report: report.state.ended)
        assert ended.state is ApplicationState.KILLED
        assert await cluster.list_applications(tag) == {}
        assert list(await cluster.list_applications(tag, [ApplicationState.KILLED])) == [
            application_id
        ]
        await cluster.kill("alice", application_id, "Once more.")


async def test_what_yarn_does_not_know_has_no_report_and_may_be_killed(cluster: Launcher):
    assert await cluster.report(NOBODYS) is None
    await cluster.kill("alice", NOBODYS, "It may have been there.")
    assert not await cluster.has_issued(NOBODYS)


async def test_a_refused_submit_says_why_and_leaves_nothing(
    cluster: Launcher, spec: LaunchSpec, hadoop: MiniHadoop
):
    for changed, failure, said in (
        (replace(spec, queue="nosuch"), QueueError, "there is no queue nosuch"),
        (replace(spec, user="mallory"), ImpersonationError, "mallory"),
    ):
        refused = await refusal(cluster, changed)
        assert isinstance(refused, failure)
        assert said in refused.sentence
    assert running_applications(hadoop) == []


async def test_the_queues_and_nodes_are_told(cluster: Launcher):
    queues = {queue.name.rpartition(".")[2]: queue for queue in await cluster.queues()}
    assert {name: round(queue.capacity, 2) for name, queue in queues.items()} == {
        "default": 0.7,
        "research": 0.3,
    }
    assert len(await cluster.node_hosts()) == 2


@pytest.mark.heavy
async def test_calls_end_while_yarn_is_away_and_work_again_when_it_is_back(
    cluster: Launcher, hadoop: MiniHadoop
):
    hadoop.resourcemanager.stop()
    try:
        with pytest.raises(ClusterError):
            await asyncio.wait_for(cluster.list_applications("yarnhub-1"), BOUND_SECONDS)
    finally:
        hadoop.resourcemanager.start()
        hadoop.wait_ready()
    deadline = time.monotonic() + 240
    while True:
        try:
            assert await cluster.list_applications("yarnhub-1") == {}
            break
        except ClusterError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
