"""What a start waits for, from YARN's reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jinja2 import Environment

from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport, QueueInfo, QueueStatistics
from yarnspawner.hub.queue_views import QueueView, QueueViews
from yarnspawner.hub.server_card import ServerCard
from yarnspawner.hub.waiting import OwnServer, Waiting, waiting_of
from yarnspawner.launch.summary import StartSummary
from yarnspawner.templates import with_ours
from yarnspawner.yarn_messages import CONTAINER_STARTED

FULL = QueueInfo(
    "default", statistics=QueueStatistics(available_memory_mb=102, allocated_memory_mb=2970)
)
FREE = Waiting("default", "", "", 0, 0, [])


def application(number: int, submitted: int, **changes: Any) -> ApplicationReport:
    report = ApplicationReport(
        application_id=ApplicationId(number, 1),
        queue="root.default",
        state=ApplicationState.ACCEPTED,
        submit_time=submitted,
    )
    return replace(report, **changes)


def card(name: str, **changes: Any) -> ServerCard:
    fields = {"queue": "default", "memory_mb": 1024, **changes}
    return ServerCard("alice", name, "running", "application_1_0009", StartSummary(), **fields)


OURS = application(5, 50)


def test_the_queue_and_the_users_own_servers_in_it_are_named():
    view = QueueView(FULL, [OURS, application(4, 40), application(6, 60)])
    own = [card("second"), card("third", queue="research"), card("fourth", memory_mb=0)]
    assert waiting_of(OURS, view, own) == Waiting(
        "default", "2.9 GiB", "3 GiB", 2, 1, [OwnServer("second", "1 GiB")]
    )


def test_applications_of_one_moment_are_in_the_order_of_their_ids():
    view = QueueView(None, [application(4, 50), application(6, 50)])
    waiting = waiting_of(OURS, view, [])
    assert waiting is not None
    assert (waiting.others, waiting.earlier, waiting.used) == (2, 1, "")


@pytest.mark.parametrize(
    "changes",
    [{"state": ApplicationState.RUNNING}, {"diagnostics": f"{CONTAINER_STARTED}, waiting for AM"}],
)
def test_an_application_with_a_container_does_not_wait(changes: dict[str, Any]):
    assert waiting_of(application(5, 50, **changes), QueueView(FULL, []), []) is None
    waiting = waiting_of(OURS, QueueView(FULL, [application(4, 40, **changes)]), [])
    assert waiting is not None
    assert waiting.others == 0


class Launcher:
    def __init__(self) -> None:
        self.requests = 0

    async def waiting_applications(self, _queue: str) -> list[ApplicationReport]:
        self.requests += 1
        return [OURS]

    async def queues(self) -> list[QueueInfo]:
        return [FULL, QueueInfo("research")]


async def test_all_starts_share_a_request():
    launcher: Any = Launcher()
    views = QueueViews()
    for queue in ("default", "default", "root.default"):
        assert (await views.view(launcher, queue)).queue == FULL
    assert launcher.requests == 2  # one for each name


@pytest.mark.parametrize(
    ("waiting", "has_form", "said"),
    [
        (replace(FREE, used="2.9 GiB", total="3 GiB"), False, "2.9 GiB of 3 GiB are in use."),
        (FREE, False, "No other application waits in it."),
        (
            replace(FREE, others=1),
            False,
            "1 more application waits in it, none of them for longer.",
        ),
        (replace(FREE, others=3, earlier=2), False, "3 more applications wait in it, 2 of them"),
        (replace(FREE, own=[OwnServer("a<b", "1 GiB")]), False, 'data-yarn-stop="a&lt;b"'),
        (FREE, True, "data-yarn-choose"),
    ],
)
def test_the_page_says_what_is_known(waiting: Waiting, has_form: bool, said: str):
    template = with_ours(Environment()).get_template("yarn_waiting.html")
    text = template.render(yarn_waiting=waiting, has_form=has_form)
    assert said in " ".join(text.split())
    assert ("data-yarn-choose" in text) is has_form


def test_a_start_that_does_not_wait_has_no_part_on_the_page():
    template = with_ours(Environment()).get_template("yarn_waiting.html")
    assert template.render(yarn_waiting=None, has_form=True).strip() == ""
