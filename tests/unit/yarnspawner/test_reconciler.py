from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.yarn.records import ALIVE, ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.homes import Homes
from yarnspawner.hub.reconciler import REASON, Reconciler
from yarnspawner.hub.status import StatusCache
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.interface import ClusterError, ClusterUnreachableError

TAG = "yarnhub-0123456789abcdef"
OURS, ORPHAN = "application_1_0001", "application_1_0002"


class RecordedCluster:
    """What YARN says of the applications with the hub's tag, and what it was told to end."""

    def __init__(self) -> None:
        self.reports = {
            OURS: application(OURS, "yarnhub-spawn-1"),
            ORPHAN: application(ORPHAN, "yarnhub-spawn-2", user="bob"),
        }
        self.killed: list[tuple[str, str, str]] = []
        self.error: ClusterError | None = None
        self.asked = asyncio.Event()
        self.told = asyncio.Event()

    async def list_applications(
        self, tag: str, states: Any = ALIVE
    ) -> dict[str, ApplicationReport]:
        assert tag == TAG
        self.asked.set()
        if self.error:
            raise self.error
        return {name: each for name, each in self.reports.items() if each.state in states}

    async def report(self, application_id: str) -> ApplicationReport | None:
        return self.reports.get(application_id)

    async def kill(self, user: str, application_id: str, reason: str) -> None:
        self.killed.append((user, application_id, reason))
        self.told.set()
        self.reports[application_id] = application(
            application_id, "yarnhub-spawn-2", user=user, state=ApplicationState.KILLED
        )


def application(
    application_id: str,
    spawn_tag: str,
    user: str = "alice",
    state: ApplicationState = ApplicationState.RUNNING,
) -> ApplicationReport:
    return ApplicationReport(
        application_id=ApplicationId.parse(application_id),
        user=user,
        state=state,
        tags=(TAG, spawn_tag),
    )


@pytest.fixture
def cluster() -> RecordedCluster:
    return RecordedCluster()


@pytest.fixture
def yarn(cluster: RecordedCluster) -> HubCluster:
    board = StatusCache(cast(Any, cluster), TAG)
    configuration = Configuration({"fs.defaultFS": "hdfs://nn.example"})
    homes = Homes(configuration, "jupyterhub")
    return HubCluster(cast(Any, cluster), board, TAG, "jupyterhub", configuration, homes)


ALICES = Submission(OURS, "yarnhub-spawn-1", "alice")
BOBS = Submission(ORPHAN, "yarnhub-spawn-2", "bob")


@pytest.mark.parametrize("known", [ALICES, replace(ALICES, application_id="")])
async def test_what_no_server_knows_is_ended_as_its_user_and_nothing_else_is(yarn, cluster, known):
    assert await Reconciler(yarn, lambda: {known}, 60).reconcile() == [ORPHAN]
    await yarn.end(Submission(ORPHAN, TAG, "bob"), REASON)
    assert cluster.killed == [("bob", ORPHAN, REASON)]


async def test_nothing_is_ended_where_all_is_known(yarn, cluster):
    assert await Reconciler(yarn, lambda: {ALICES, BOBS}, 60).reconcile() == []
    assert cluster.killed == []


async def test_a_server_that_starts_while_yarn_answers_is_known(yarn, cluster):
    """What is known is asked for after YARN has answered, never before."""
    seen: list[bool] = []

    def known() -> set[Submission]:
        seen.append(cluster.asked.is_set())
        return {ALICES, BOBS}

    await Reconciler(yarn, known, 60).reconcile()
    assert seen == [True]


async def test_yarn_away_ends_nothing_and_is_asked_again(yarn, cluster):
    cluster.error = ClusterUnreachableError("nobody answers")
    task = asyncio.create_task(Reconciler(yarn, lambda: {ALICES}, 0.01).run())
    await cluster.asked.wait()
    assert cluster.killed == []
    cluster.error = None
    await cluster.told.wait()
    task.cancel()
    assert [killed[1] for killed in cluster.killed] == [ORPHAN]


@pytest.mark.parametrize("known", [ALICES, replace(ALICES, application_id="")])
async def test_a_copied_tag_keeps_no_other_application_alive(yarn, cluster, known):
    cluster.reports[ORPHAN] = application(ORPHAN, "yarnhub-spawn-1", user="mallory")
    assert await Reconciler(yarn, lambda: {known}, 60).reconcile() == [ORPHAN]


async def test_an_application_that_another_user_has_under_the_id_is_not_ended(yarn, cluster):
    cluster.reports[OURS] = application(OURS, "yarnhub-spawn-9", user="mallory")
    await yarn.end(ALICES, REASON)
    assert cluster.killed == []
