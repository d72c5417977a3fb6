"""How often a start is looked at."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY

from yarnspawner.hadoop.records import ApplicationId, ApplicationState
from yarnspawner.hadoop.reports import ApplicationReport
from yarnspawner.progress import ProgressLog
from yarnspawner.startup import LOOKS_PER_SECOND, Startup, poll_seconds, states_between
from yarnspawner.status import StatusBoard


@pytest.mark.parametrize(
    ("starting", "seconds"), [(0, 0.1), (1, 0.1), (40, 0.1), (60, 0.15), (100, 0.25), (9999, 0.25)]
)
def test_a_few_starts_are_looked_at_more_often_than_many(starting, seconds):
    assert poll_seconds(starting, on_node=True) == seconds


def test_what_waits_for_a_node_is_looked_at_more_seldom():
    assert poll_seconds(1, on_node=False) > poll_seconds(1, on_node=True)


def test_a_burst_of_starts_is_not_looked_at_more_often_than_the_hub_has_time_for():
    for starting in range(1, 101):
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


class NoServerYet:
    """A cluster on which an application runs, in which no server listens: a look at it shows one
    of `states` after the other, and then that it runs."""

    def __init__(self, *states: ApplicationState) -> None:
        self.asked = asyncio.Event()
        self._states = list(states)

    async def list_applications(self, *_: Any) -> dict[str, ApplicationReport]:
        return {}

    async def report(self, application_id: str) -> ApplicationReport:
        if not self._states:
            self.asked.set()
        state = self._states.pop(0) if self._states else ApplicationState.RUNNING
        return ApplicationReport(application_id=ApplicationId.parse(application_id), state=state)

    def server_port(self, report: ApplicationReport) -> None:
        return None


async def test_each_start_that_is_waited_for_counts_whatever_its_state():
    cluster: Any = NoServerYet()
    board = StatusBoard(cluster, "yarnhub-0123")
    startup = Startup(cluster, board, "application_1_0001", ProgressLog())
    waiting = asyncio.create_task(startup.address(time.monotonic() + 60, 60))
    await asyncio.wait_for(cluster.asked.wait(), 60)
    assert board.starting == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert board.starting == 0


async def test_each_state_is_counted_even_one_that_no_look_has_seen():
    name, labels = "yarnspawner_state_seconds_count", {"state": "ACCEPTED"}
    before = REGISTRY.get_sample_value(name, labels) or 0
    cluster: Any = NoServerYet(ApplicationState.NEW_SAVING)
    startup = Startup(
        cluster, StatusBoard(cluster, "yarnhub-0123"), "application_1_0001", ProgressLog()
    )
    waiting = asyncio.create_task(startup.address(time.monotonic() + 60, 60))
    await asyncio.wait_for(cluster.asked.wait(), 60)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert REGISTRY.get_sample_value(name, labels) == before + 1
