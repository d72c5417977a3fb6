"""Large applications of other users with the hub's tag do not keep the hub from its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.rpc import connection
from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from hadoop_client.yarn.resourcemanager import (
    GetApplicationReportResponse,
    GetApplicationsRequest,
    GetApplicationsResponse,
)
from tests.unit.hadoop_client.rpc_server import Call, RpcServer
from yarnspawner.hub.status import Liveness, StatusCache
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.direct import MAX_REPORT_BYTES, DirectLauncher
from yarnspawner.launcher.interface import ClusterAnswerTooLargeError

OURS = ApplicationReport(
    application_id=ApplicationId(1, 7),
    state=ApplicationState.RUNNING,
    user="alice",
    tags=("yarnhub-1", "yarnhub-spawn-1"),
)
SUBMISSION = Submission(str(OURS.application_id), "yarnhub-spawn-1", "alice")


class FloodedResourceManager:
    """Lists our application, and `count` applications of mallory with names of `size` bytes."""

    def __init__(self, count: int, size: int) -> None:
        self.theirs = [
            ApplicationReport(
                application_id=ApplicationId(2 + number, 7), user="mallory", name="A" * size
            )
            for number in range(count)
        ]
        self.types: tuple[str, ...] = ()

    def __call__(self, call: Call) -> None:
        if call.method == "getApplicationReport":
            call.answer(GetApplicationReportResponse(OURS))
            return
        self.types = GetApplicationsRequest.decode(call.body).application_types
        reports = (OURS, *self.theirs)
        call.answer(GetApplicationsResponse(tuple(report.encode() for report in reports)))


@asynccontextmanager
async def launcher_of(server: RpcServer) -> AsyncIterator[DirectLauncher]:
    host, port = server.address
    configuration = Configuration({"yarn.resourcemanager.address": f"{host}:{port}"})
    launcher = DirectLauncher(configuration, "hub")
    try:
        yield launcher
    finally:
        await launcher.close()


async def test_an_answer_over_the_limit_does_not_hide_our_servers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "MAX_RESPONSE_BYTES", 100_000)
    with RpcServer(FloodedResourceManager(count=40, size=10_000)) as server:
        async with launcher_of(server) as launcher:
            with pytest.raises(ClusterAnswerTooLargeError):
                await launcher.list_applications("yarnhub-1")
            # Neither a backoff nor another connection: other calls go on.
            assert await launcher.report(str(OURS.application_id)) == OURS
            board = StatusCache(launcher, "yarnhub-1")
            for _ in range(5):
                status = await board.starting_status(SUBMISSION, 0.0)
                assert status.life is Liveness.ALIVE


async def test_large_reports_are_not_kept_and_only_our_type_is_requested():
    manager = FloodedResourceManager(count=3, size=2 * MAX_REPORT_BYTES)
    with RpcServer(manager) as server:
        async with launcher_of(server) as launcher:
            reports = await launcher.list_applications("yarnhub-1")
            assert dict(reports) == {str(OURS.application_id): OURS}
    assert manager.types == ("yarnhub",)
