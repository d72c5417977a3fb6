from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hadoop_client.yarn.records import ALIVE, ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.status import (
    FORGOTTEN_AFTER_SECONDS,
    LIST_PAUSE_SECONDS,
    SINGLE_CALLS,
    Liveness,
    StatusCache,
)
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.interface import (
    ClusterAnswerTooLargeError,
    ClusterError,
    ClusterRefusedError,
    ClusterUnreachableError,
)

TAG = "yarnhub-0123"
SPAWN_TAG = "yarnhub-spawn-1"
ONE, TWO = "application_1_0001", "application_1_0002"


def report(application_id: str, state: ApplicationState) -> ApplicationReport:
    return ApplicationReport(
        application_id=ApplicationId.parse(application_id),
        state=state,
        user="alice",
        tags=(TAG, SPAWN_TAG),
    )


def submission(application_id: str = ONE, user: str = "alice", yarn_user: str = "") -> Submission:
    return Submission(application_id, SPAWN_TAG, user, yarn_user)


class RecordedCluster:
    """Answers as a ResourceManager did, and counts what it was asked."""

    def __init__(self) -> None:
        self.reports: dict[str, ApplicationReport] = {}
        self.tagged = True
        self.restarted = True
        self.flooded = False
        self.error: ClusterError | None = None
        self.lists = 0
        self.singles = 0
        self.at_once = self.most_at_once = 0

    async def list_applications(
        self, tag: str, states: Sequence[ApplicationState] = ALIVE
    ) -> dict[str, ApplicationReport]:
        assert tag == TAG
        self.lists += 1
        await asyncio.sleep(0)
        if self.flooded:
            raise ClusterAnswerTooLargeError("YARN's answer is too large.")
        if self.error:
            raise self.error
        listed = self.reports if self.tagged else {}
        return {name: report for name, report in listed.items() if report.state in states}

    async def report(self, application_id: str) -> ApplicationReport | None:
        self.singles += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.error:
            raise self.error
        return self.reports.get(application_id)

    async def has_issued(self, application_id: str) -> bool:
        return not self.restarted


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cluster() -> RecordedCluster:
    return RecordedCluster()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(cluster: RecordedCluster, clock: Clock) -> StatusCache:
    return StatusCache(cluster, TAG, clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "life"),
    [
        (ApplicationState.NEW, Liveness.ALIVE),
        (ApplicationState.ACCEPTED, Liveness.ALIVE),
        (ApplicationState.RUNNING, Liveness.ALIVE),
        (ApplicationState.FINISHED, Liveness.ENDED),
        (ApplicationState.FAILED, Liveness.ENDED),
        (ApplicationState.KILLED, Liveness.ENDED),
    ],
)
async def test_a_state_is_alive_or_ended(board, cluster, state, life):
    cluster.reports = {ONE: report(ONE, state)}
    assert (await board.status(submission(ONE), 10)).life is life


async def test_a_burst_of_polls_shares_one_call(board, cluster):
    cluster.reports = {
        f"application_1_{n:04}": report(f"application_1_{n:04}", ApplicationState.RUNNING)
        for n in range(1, 1001)
    }
    statuses = await asyncio.gather(
        *(board.status(submission(name), 10) for name in cluster.reports)
    )
    assert {status.life for status in statuses} == {Liveness.ALIVE}
    assert (cluster.lists, cluster.singles) == (1, 0)


async def test_a_look_is_taken_anew_when_it_is_older_than_asked(board, cluster, clock):
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    await board.status(submission(ONE), 10)
    clock.now += 9
    await board.status(submission(ONE), 10)
    assert cluster.lists == 1
    await board.status(submission(ONE), 5)
    assert cluster.lists == 2


async def test_yarn_away_is_unknown_and_never_ended(board, cluster, clock):
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    await board.status(submission(ONE), 10)
    cluster.error = ClusterUnreachableError("nobody answers at 127.0.0.1:1")
    clock.now += 100_000
    assert (await board.status(submission(ONE), 10)).life is Liveness.UNKNOWN


async def test_an_empty_list_of_a_recovering_resourcemanager_is_not_believed(board, cluster):
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    cluster.tagged = False
    assert (await board.status(submission(ONE), 10)).life is Liveness.ALIVE
    assert cluster.singles == 1


async def test_an_application_that_stays_forgotten_has_ended(board, clock):
    assert (await board.status(submission(ONE), 10)).life is Liveness.UNKNOWN
    clock.now += FORGOTTEN_AFTER_SECONDS / 2
    assert (await board.status(submission(ONE), 10)).life is Liveness.UNKNOWN
    clock.now += FORGOTTEN_AFTER_SECONDS / 2
    assert (await board.status(submission(ONE), 10)).life is Liveness.ENDED


async def test_what_yarn_has_not_restarted_since_and_does_not_know_has_ended(board, cluster):
    cluster.restarted = False
    assert (await board.status(submission(ONE), 10)).life is Liveness.ENDED


async def test_an_application_that_comes_back_is_forgotten_from_anew_only(board, cluster, clock):
    await board.status(submission(ONE), 10)
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    clock.now += FORGOTTEN_AFTER_SECONDS
    assert (await board.status(submission(ONE), 10)).life is Liveness.ALIVE
    cluster.reports = {}
    clock.now += FORGOTTEN_AFTER_SECONDS
    assert (await board.status(submission(ONE), 10)).life is Liveness.UNKNOWN


async def test_a_resourcemanager_that_comes_and_goes_gets_its_time_each_time(board, cluster, clock):
    await board.status(submission(ONE), 10)
    cluster.error = ClusterUnreachableError("nobody answers at 127.0.0.1:1")
    clock.now += FORGOTTEN_AFTER_SECONDS
    assert (await board.status(submission(ONE), 10)).life is Liveness.UNKNOWN
    cluster.error = None
    clock.now += FORGOTTEN_AFTER_SECONDS
    assert (await board.status(submission(ONE), 10)).life is Liveness.UNKNOWN


async def test_whether_yarn_told_is_known(board, cluster, clock):
    assert not board.is_unknown
    cluster.error = ClusterUnreachableError("nobody answers at 127.0.0.1:1")
    await board.status(submission(ONE), 10)
    assert board.is_unknown
    cluster.error = None
    await board.status(submission(ONE), 10)
    assert not board.is_unknown


async def test_a_refusal_of_yarns_is_unknown_too(board, cluster, clock):
    cluster.error = ClusterRefusedError("RetriableException: Server too busy")
    assert (await board.status(submission(ONE), 10)).life is Liveness.UNKNOWN


async def test_one_pollers_cancellation_leaves_the_others_their_answer(board, cluster):
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    first = asyncio.create_task(board.status(submission(ONE), 10))
    second = asyncio.create_task(board.status(submission(ONE), 10))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).life is Liveness.ALIVE


async def test_who_starts_does_not_make_the_hub_look_at_all_that_run(board, cluster):
    running = [f"application_2_{n:04}" for n in range(1, 101)]
    cluster.reports = {name: report(name, ApplicationState.RUNNING) for name in running}
    cluster.reports[ONE] = report(ONE, ApplicationState.ACCEPTED)
    status = await board.starting_status(submission(ONE), 0.25)
    assert status.report.state is ApplicationState.ACCEPTED
    assert (cluster.lists, cluster.singles) == (1, 0)
    assert board.age == float("inf")


async def test_who_has_just_started_is_asked_for_singly(board, cluster):
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    status = await board.starting_status(submission(ONE), 0.25)
    assert status.report.state is ApplicationState.RUNNING
    assert (cluster.lists, cluster.singles) == (1, 1)


async def test_a_cluster_that_has_forgotten_all_is_not_asked_for_all_at_once(board, cluster):
    names = [f"application_1_{n:04}" for n in range(1, 201)]
    await asyncio.gather(*(board.status(submission(name), 10) for name in names))
    assert cluster.singles == 200
    assert cluster.most_at_once == SINGLE_CALLS


async def test_the_age_of_what_is_known_is_told(board, cluster, clock):
    assert board.age == float("inf")
    await board.status(submission(ONE), 10)
    clock.now += 7
    assert board.age == 7


def started(user: str, application_id: str = ONE) -> ApplicationReport:
    return replace(
        report(application_id, ApplicationState.RUNNING), user=user, tags=(TAG, SPAWN_TAG)
    )


@pytest.mark.parametrize(("asked_as", "known_as"), [("alice", "alice"), ("alice@REALM", "alice")])
async def test_a_start_is_found_by_its_tag(board, cluster, asked_as, known_as):
    cluster.reports = {ONE: started(known_as)}
    status = await board.find(submission("", asked_as), 0)
    assert status.life is Liveness.ALIVE
    assert str(status.report.application_id) == ONE


async def test_a_tag_on_somebody_elses_application_is_not_believed(board, cluster, clock):
    """Whoever sees an application's tags can give them to one of their own."""
    cluster.reports = {TWO: started("mallory", TWO), ONE: started("alice")}
    assert str((await board.find(submission("", "alice"), 0)).report.application_id) == ONE
    cluster.reports = {TWO: started("mallory", TWO)}
    clock.now += 1
    assert (await board.find(submission("", "alice"), 0)).report is None


async def test_a_start_that_a_recovering_resourcemanager_does_not_list_yet_has_not_ended(
    board, cluster, clock
):
    assert (await board.find(submission("", "alice"), 0)).life is Liveness.UNKNOWN
    clock.now += FORGOTTEN_AFTER_SECONDS / 2
    cluster.reports = {ONE: started("alice")}
    assert (await board.find(submission("", "alice"), 0)).life is Liveness.ALIVE


async def test_a_start_that_nobody_knows_for_a_minute_has_ended(board, cluster, clock):
    await board.find(submission("", "alice"), 0)
    clock.now += FORGOTTEN_AFTER_SECONDS
    assert (await board.find(submission("", "alice"), 0)).life is Liveness.ENDED


async def test_a_start_is_unknown_while_yarn_is_away(board, cluster, clock):
    await board.find(submission("", "alice"), 0)
    cluster.error = ClusterUnreachableError("nobody answers at 127.0.0.1:1")
    clock.now += FORGOTTEN_AFTER_SECONDS
    assert (await board.find(submission("", "alice"), 0)).life is Liveness.UNKNOWN


async def test_what_has_ended_stays_so(board, cluster, clock):
    """JupyterHub asks again before it forgets a server."""
    await board.status(submission(ONE), 10)
    await board.find(submission("", "alice"), 0)
    clock.now += FORGOTTEN_AFTER_SECONDS
    for _ in range(2):
        assert (await board.status(submission(ONE), 10)).life is Liveness.ENDED
        assert (await board.find(submission("", "alice"), 0)).life is Liveness.ENDED


@pytest.mark.parametrize(
    "taken",
    [
        replace(started("mallory"), tags=(TAG,)),
        replace(started("mallory"), tags=(TAG, "yarnhub-spawn-of-mallory")),
        started("mallory"),  # an id is free again when YARN has purged its application
        replace(started("alice"), tags=(TAG, "yarnhub-spawn-of-another-start")),
    ],
)
async def test_an_id_that_another_user_has_taken_is_not_ours(board, cluster, taken):
    cluster.reports = {ONE: taken}
    for look in (board.status, board.starting_status):
        status = await look(submission(), 0)
        assert (status.life, status.report) == (Liveness.FOREIGN, taken)


async def test_the_name_that_yarn_has_for_the_user_is_the_one_that_counts(board, cluster, clock):
    cluster.reports = {ONE: started("alice_corp")}
    known = submission(user="alice@CORP", yarn_user="alice_corp")
    assert (await board.status(known, 0)).life is Liveness.ALIVE
    cluster.reports = {ONE: started("alice")}
    clock.now += 1
    assert (await board.status(known, 0)).life is Liveness.FOREIGN


async def test_while_a_list_is_too_large_each_server_is_requested_by_its_id(
    board, cluster, clock, caplog
):
    cluster.flooded = True
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    for _ in range(20):
        clock.now += 1.0
        assert (await board.status(submission(ONE), 0.5)).life is Liveness.ALIVE
        assert (await board.starting_status(submission(ONE), 0.1)).life is Liveness.ALIVE
    assert cluster.lists == 2  # one of each kind
    assert not board.is_unknown
    assert [record.message for record in caplog.records] == 2 * [
        "Requesting the state of each server by its id for a minute. YARN's answer is too large."
    ]
    # What the hub cannot list is neither forgotten nor without a server.
    clock.now += FORGOTTEN_AFTER_SECONDS - 30
    assert (await board.find(submission(""), 0.5)).life is Liveness.UNKNOWN
    with pytest.raises(ClusterAnswerTooLargeError):
        await board.applications(0.5)


async def test_after_a_pause_the_list_is_requested_again(board, cluster, clock):
    cluster.flooded = True
    cluster.reports = {ONE: report(ONE, ApplicationState.RUNNING)}
    await board.status(submission(ONE), 0.5)
    cluster.flooded = False
    clock.now += LIST_PAUSE_SECONDS + 1
    assert await board.applications(0.5) == cluster.reports
    assert cluster.lists == 2
