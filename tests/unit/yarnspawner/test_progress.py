from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.progress import ProgressLog, describe
from yarnspawner.launcher.interface import Container, Phase


async def collect(log: ProgressLog) -> list[int]:
    return [event["progress"] async for event in log.follow()]


async def test_each_follower_gets_all_events_in_order():
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


async def test_an_event_equal_to_the_last_one_is_dropped():
    log = ProgressLog()
    for _ in range(3):
        log.add({"progress": 1, "message": "one"})
    log.close()
    assert await collect(log) == [1]


def event(
    state: ApplicationState, diagnostics: str = "", container: Container | None = None
) -> dict[str, Any]:
    report = ApplicationReport(
        application_id=ApplicationId.parse("application_1_0001"),
        state=state,
        diagnostics=diagnostics,
        queue="default",
        tracking_url='http://rm.example/"><b>',
    )
    return describe(report, container)


LAUNCHED = "AM container is launched, waiting for AM to register"


def test_progress_only_grows_along_the_states_of_an_application():
    accepted = ApplicationState.ACCEPTED
    events = [
        event(ApplicationState.SUBMITTED),
        event(accepted, "Queue's AM resource limit exceeded."),
        event(accepted, "waiting for AM container to be allocated"),
        event(accepted, LAUNCHED),
        event(accepted, LAUNCHED, Container("node1", Phase.LOCALIZING)),
        event(accepted, LAUNCHED, Container("node1", Phase.RUNNING)),
        event(ApplicationState.RUNNING),
    ]
    percents = [event["progress"] for event in events]
    assert percents == sorted(set(percents))


def test_messages_name_the_queue_and_the_node():
    assert "Queue default has accepted" in event(ApplicationState.ACCEPTED)["message"]
    on_node = event(ApplicationState.ACCEPTED, LAUNCHED, Container("node1", Phase.LOCALIZING))
    assert "Node node1 is downloading" in on_node["message"]


@pytest.mark.parametrize("with_links", [False, True])
async def test_a_state_is_told_once_and_links_need_the_option(with_links: bool):
    log = ProgressLog(with_links=with_links)
    first = event(ApplicationState.RUNNING)
    log.add(first)
    log.add({**first, "html_message": "the same with another link"})
    log.close()
    (told,) = [event async for event in log.follow()]
    assert told["message"] == first["message"]
    assert ("html_message" in told) is with_links


def test_links_lead_to_yarns_pages_and_are_escaped():
    html = event(ApplicationState.SUBMITTED)["html_message"]
    assert 'href="http://rm.example/&quot;&gt;&lt;b&gt;"' in html
    container = Container("node1", Phase.RUNNING, "javascript:alert(1)")
    assert "javascript" not in event(ApplicationState.ACCEPTED, LAUNCHED, container)["html_message"]
