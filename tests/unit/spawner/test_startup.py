"""How often a start is looked at."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from yarnspawner.hadoop.records import ApplicationId, ApplicationState
from yarnspawner.hadoop.reports import ApplicationReport
from yarnspawner.progress import ProgressLog
from yarnspawner.startup import LOOKS_PER_SECOND, Startup, poll_seconds
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


class NoServerYet:
    """A cluster on which an application runs, in which no server listens."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def list_applications(self, *_: Any) -> dict[str, ApplicationReport]:
        return {}

    async def report(self, application_id: str) -> ApplicationReport:
        self.asked.set()
        return ApplicationReport(
            application_id=ApplicationId.parse(application_id), state=ApplicationState.RUNNING
        )

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
