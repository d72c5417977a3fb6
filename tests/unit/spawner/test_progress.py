from __future__ import annotations

import asyncio

from yarnspawner.hadoop.records import (
    ApplicationId,
    ApplicationState,
)
from yarnspawner.hadoop.reports import ApplicationReport
from yarnspawner.progress import ProgressLog, describe


async def collect(log: ProgressLog) -> list[int]:
    return [event["progress"] async for event in log.follow()]


async def test_everybody_who_watches_gets_all_events_in_order():
    log = ProgressLog()
    log.add({"progress": 1, "message": "one"})
    early = asyncio.create_task(collect(log))
    await asyncio.sleep(0)
    log.add({"progress": 2, "message": "two"})
    late = asyncio.create_task(collect(log))
    await asyncio.sleep(0)
    log.add({"progress": 3, "message": "three"})
    log.close()
    assert await early == await late == [1, 2, 3]


async def test_what_was_just_said_is_not_said_again():
    log = ProgressLog()
    for _ in range(3):
        log.add({"progress": 1, "message": "one"})
    log.close()
    assert await collect(log) == [1]


def test_progress_only_grows_along_the_states_of_an_application():
    def event(state: ApplicationState, diagnostics: str = "") -> int:
        report = ApplicationReport(
            application_id=ApplicationId.parse("application_1_0001"),
            state=state,
            diagnostics=diagnostics,
            queue="default",
        )
        return describe(report, "application_1_0001")["progress"]

    way = [
        event(ApplicationState.SUBMITTED),
        event(ApplicationState.ACCEPTED, "Queue's AM resource limit exceeded."),
        event(ApplicationState.ACCEPTED, "waiting for AM container to be allocated"),
        event(ApplicationState.ACCEPTED, "AM container is launched, waiting for AM to register"),
        event(ApplicationState.RUNNING),
    ]
    assert way == sorted(set(way))
