"""How often a start is looked at, for how long, and what is counted of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.failures import ForeignApplicationError, StartTimeoutError
from yarnspawner.hub.pending_start import (
    LOOKS_PER_SECOND,
    PendingStart,
    poll_seconds,
    states_between,
)
from yarnspawner.hub.progress import ProgressLog
from yarnspawner.hub.status import StatusCache
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.interface import Container, Phase


@pytest.mark.parametrize(
    ("starting", "seconds"),
    [(0, 0.05), (10, 0.05), (20, 0.1), (30, 0.15), (50, 0.25), (9999, 0.25)],
)
def test_a_few_starts_are_looked_at_more_often_than_many(starting, seconds):
    assert poll_seconds(starting, on_node=True) == seconds


def test_what_waits_for_a_node_is_looked_at_more_seldom():
    assert poll_seconds(1, on_node=False) > poll_seconds(1, on_node=True)


def test_a_burst_of_starts_is_not_looked_at_more_often_than_the_hub_has_time_for():
    for starting in range(1, 51):
        assert starting / poll_seconds(starting, on_node=True) <= LOOKS_PER_SECOND + 1e-6


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        ("NEW_SAVING", "RUNNING", ["SUBMITTED", "ACCEPTED"]),
        ("ACCEPTED", "RUNNING", []),
        ("RUNNING", "ACCEPTED", []),  # its application master was lost, and is started again
    ],
)
def test_a_state_may_pass_between_two_looks(before, after, passed):
    found = states_between(ApplicationState[before], ApplicationState[after])
    assert [each.name for each in found] == passed


SUBMISSION = Submission("application_1_0001", "yarnhub-spawn-1", "alice")
OURS = ApplicationReport(
    application_id=ApplicationId.parse("application_1_0001"),
    user="alice",
    tags=("yarnhub-spawn-1",),
)


class NoServerYet:
    """A cluster on which an application runs, in which no server listens: a look at it shows one
    of `states` after the other, and then that it runs; or nothing, where `hangs`."""

    def __init__(self, *states: ApplicationState, hangs: bool = False) -> None:
        self.asked = asyncio.Event()
        self._states = list(states)
        self._hangs = hangs

    async def list_applications(self, *_: Any) -> dict[str, ApplicationReport]:
        return {}

    async def report(self, application_id: str) -> ApplicationReport:
        if not self._states:
            self.asked.set()
            if self._hangs:
                await asyncio.Event().wait()
        state = self._states.pop(0) if self._states else ApplicationState.RUNNING
        return replace(OURS, state=state)

    def server_port(self, report: ApplicationReport) -> None:
        return None


def ignore(yarn_user: str) -> None:
    """Keep no name."""


@asynccontextmanager
async def waiting_for(
    cluster: Any, *, is_new: bool = True
) -> AsyncIterator[tuple[StatusCache, asyncio.Task[tuple[str, int]]]]:
    """A start that has seen all that the cluster shows of it, within a minute; it is given up at
    the end."""
    board = StatusCache(cluster, "yarnhub-0123")
    startup = PendingStart(cluster, board, SUBMISSION, ProgressLog(), ignore, is_new=is_new)
    waiting = asyncio.create_task(startup.address(time.monotonic() + 60, 62))
    await asyncio.wait_for(cluster.asked.wait(), 60)
    yield board, waiting
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_each_start_that_is_waited_for_counts_whatever_its_state():
    async with waiting_for(NoServerYet()) as (board, _):
        assert board.starting == 1
    assert board.starting == 0


async def test_a_look_that_nobody_answers_ends_with_the_time_of_the_start(
    monkeypatch: pytest.MonkeyPatch,
):
    async with waiting_for(NoServerYet(ApplicationState.ACCEPTED, hangs=True)) as (_, waiting):
        loop = asyncio.get_running_loop()
        late = loop.time() + 60
        monkeypatch.setattr(loop, "time", lambda: late)
        with pytest.raises(
            StartTimeoutError, match="not ready within 62 seconds: it is waiting in queue"
        ):
            await waiting


@pytest.mark.parametrize(
    ("is_new", "seen", "counted"),
    [
        (True, [ApplicationState.NEW_SAVING], 1),
        (True, [], 1),
        (False, [ApplicationState.NEW_SAVING], 1),
        (False, [], 0),  # how long an earlier hub has seen it in which state, nobody knows
    ],
)
async def test_each_state_is_counted_even_one_that_no_look_has_seen(
    is_new: bool, seen: list[ApplicationState], counted: int
):
    name, labels = "yarnspawner_state_seconds_count", {"state": "ACCEPTED"}
    before = REGISTRY.get_sample_value(name, labels) or 0
    async with waiting_for(NoServerYet(*seen), is_new=is_new):
        pass
    assert (REGISTRY.get_sample_value(name, labels) or 0) == before + counted


class Answering(NoServerYet):
    """A cluster in which the application is this one, and has a server."""

    def __init__(self, report: ApplicationReport) -> None:
        super().__init__()
        self._report = report

    async def report(self, application_id: str) -> ApplicationReport:
        return self._report

    def server_port(self, report: ApplicationReport) -> int:
        return 8888

    async def container(self, report: ApplicationReport) -> Container:
        return Container("node", Phase.RUNNING, "")


def pending(report: ApplicationReport, *, is_new: bool) -> PendingStart:
    cluster: Any = Answering(replace(report, state=ApplicationState.RUNNING))
    board = StatusCache(cluster, "yarnhub-0123")
    return PendingStart(cluster, board, SUBMISSION, ProgressLog(), ignore, is_new=is_new)


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize(
    "taken", [replace(OURS, user="mallory", tags=()), replace(OURS, tags=("yarnhub-spawn-2",))]
)
async def test_an_application_that_another_user_has_under_the_id_is_never_ready(
    taken: ApplicationReport, is_new: bool
):
    with pytest.raises(ForeignApplicationError, match=f"The user {taken.user} submitted"):
        await pending(taken, is_new=is_new).address(time.monotonic() + 60, 62)


async def test_the_tag_of_a_start_that_was_just_submitted_proves_the_users_name_in_yarn():
    start = pending(replace(OURS, user="alice_corp"), is_new=True)
    assert await start.address(time.monotonic() + 60, 62) == ("node", 8888)
    assert start.submission == replace(SUBMISSION, yarn_user="alice_corp")


async def test_after_a_restart_of_the_hub_the_tag_alone_proves_nothing():
    start = pending(replace(OURS, user="mallory"), is_new=False)
    with pytest.raises(ForeignApplicationError):
        await start.address(time.monotonic() + 60, 62)
