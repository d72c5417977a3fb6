"""What the hub shows of a running server: facts that YARN and the start gave, and no others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import (
    ApplicationReport,
    ApplicationTimeout,
    ApplicationTimeoutEntry,
)
from hdfs_contents.manager import HDFSContentsManager
from yarnspawner.container.scheduler import FULL_BYTES
from yarnspawner.hub import server_card
from yarnspawner.hub.server_card import make_card, memory_in_use, server_cards
from yarnspawner.hub.status import Liveness, Status
from yarnspawner.hub.submission import Submission
from yarnspawner.launch.summary import DEFAULT_ROOT, StartSummary, files_directory
from yarnspawner.launcher.interface import ClusterRefusedError, Container
from yarnspawner.tags import APPLICATION_TYPE

ID = "application_1_0001"
NOW = 1_700_000_000.0
SUMMARY = StartSummary("Small", "lab", "default", 1104, 2, 1, "/user/alice/notebooks")
CONTAINER = Container("node1", logs="http://node1/log", memory_mb=2048)
REPORT = ApplicationReport(
    application_id=ApplicationId.parse(ID),
    queue="root.notebooks",
    state=ApplicationState.RUNNING,
    tracking_url="http://rm/app",
    progress=(1536 << 20) / FULL_BYTES,
    type=APPLICATION_TYPE,
    submit_time=round((NOW - 3600) * 1000),
    timeouts=(ApplicationTimeoutEntry(timeout=ApplicationTimeout(remaining_time=1800)),),
)


def server(**changes: Any) -> Any:
    fields = {
        "name": "",
        "user": SimpleNamespace(name="alice"),
        "ready": True,
        "pending": None,
        "active": True,
        "status_interval": 10.0,
        "cluster_links": False,
        "summary": SUMMARY,
        "submission": Submission(ID, "tag", "alice"),
    }
    return SimpleNamespace(**{**fields, **changes})


def test_a_card_has_the_starts_choices_and_yarns_view():
    rows = dict(make_card(server(), REPORT, CONTAINER).rows(NOW))
    assert rows == {
        "Profile": "Small",
        "Size": "2 GiB, 2 cores, 1 GPU",
        "Memory in use": "1.5 GiB of 2 GiB",
        "Environment": "lab",
        "Queue": "notebooks",
        "Node": "node1",
        "Started": "2023-11-14 21:13 UTC (1 hour ago)",
        "Time left": "30 minutes, until 2023-11-14 22:43 UTC",
        "Files": "/user/alice/notebooks in HDFS",
    }


def test_a_card_has_any_lifetime_that_a_user_has_set_in_yarn():
    timeout = ApplicationTimeout(remaining_time=2**53)
    report = replace(REPORT, timeouts=(ApplicationTimeoutEntry(timeout=timeout),))
    rows = dict(make_card(server(), report, CONTAINER).rows(NOW))
    assert rows["Time left"] == "104249991374 days, until 9999-12-31 23:59 UTC"


def test_what_is_not_known_is_left_out():
    rows = dict(make_card(server(), None, None).rows(NOW))
    assert list(rows) == ["Profile", "Size", "Environment", "Queue", "Files"]
    assert make_card(server(summary=StartSummary()), None, None).rows(NOW) == []


@pytest.mark.parametrize(
    ("report", "container"), [(replace(REPORT, progress=0.0), CONTAINER), (REPORT, None)]
)
def test_without_a_report_of_memory_and_a_container_nothing_is_in_use(
    report: ApplicationReport, container: Container | None
):
    card = make_card(server(), report, container)
    assert card.to_json()["memory_used_mb"] is None
    assert "Memory in use" not in dict(card.rows(NOW))


def test_the_memory_of_all_servers_is_that_of_those_that_report_it():
    known, unknown = make_card(server(), REPORT, CONTAINER), make_card(server(), REPORT, None)
    assert memory_in_use([unknown]) == memory_in_use([]) == ""
    assert memory_in_use([known, unknown, known]) == "3 GiB of 4 GiB"


def test_an_unlimited_server_has_no_time_left():
    unlimited = (ApplicationTimeoutEntry(timeout=ApplicationTimeout()),)
    assert make_card(server(), replace(REPORT, timeouts=unlimited), None).seconds_left is None


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "running"),
        ({"ready": False, "pending": "spawn"}, "starting"),
        ({"ready": False, "pending": "stop"}, "stopping"),
    ],
)
def test_the_state_is_in_a_word(changes: dict[str, object], state: str):
    assert make_card(server(**changes), None, None).state == state


def test_links_to_the_clusters_pages_need_the_option():
    assert make_card(server(), REPORT, CONTAINER).links == []
    report = replace(REPORT, tracking_url="javascript:alert(1)")
    card = make_card(server(cluster_links=True), report, CONTAINER)
    assert card.links == [("Log in YARN", "http://node1/log")]


class Yarn:
    """YARN that has these statuses by application id; with none it never answers."""

    def __init__(self, *, refuses: bool = False, **statuses: Status) -> None:
        self.board = self
        self._statuses = statuses
        self._refuses = refuses

    async def status(self, submission: Submission, _max_age: float) -> Status:
        if submission.application_id not in self._statuses:
            await asyncio.Event().wait()
        return self._statuses[submission.application_id]

    async def container(self, _report: ApplicationReport) -> Container:
        if self._refuses:
            raise ClusterRefusedError("YARN refused.")
        return CONTAINER


async def test_a_server_that_yarn_has_ended_has_no_card():
    yarn: Any = Yarn(**{ID: Status(Liveness.ENDED, REPORT)})
    assert await server_cards([server()], yarn) == []


async def test_a_card_does_not_need_the_container():
    yarn: Any = Yarn(refuses=True, **{ID: Status(Liveness.ALIVE, REPORT)})
    (card,) = await server_cards([server()], yarn)
    assert (card.queue, card.node) == ("notebooks", "")


async def test_a_page_does_not_wait_for_a_yarn_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(server_card, "TIMEOUT_SECONDS", 0.01)
    yarn: Any = Yarn()
    (card,) = await server_cards([server()], yarn)
    assert (card.queue, card.size) == ("", "1.1 GiB, 2 cores, 1 GPU")


def test_the_directory_of_files_is_that_of_the_contents_manager():
    assert HDFSContentsManager.root_dir_template.default_value == DEFAULT_ROOT
    ours = "hdfs_contents.HDFSContentsManager"
    home = "/user/alice"
    assert files_directory(ours, [], home, "alice") == "/user/alice/notebooks"
    option = ["--HDFSContentsManager.root_dir_template=/shared/{username}"]
    assert files_directory(ours, option, home, "alice") == "/shared/alice"
    assert files_directory(ours, ["--HDFSContentsManager.root_dir_template={x}"], home, "a") == ""
    assert files_directory("", [], home, "alice") == ""


@pytest.mark.parametrize("state", [None, "x", {"of": "a later release"}])
def test_a_summary_of_another_release_is_empty(state: object):
    assert StartSummary.of_state(state) == StartSummary()
    assert StartSummary.of_state(SUMMARY.to_state()) == SUMMARY
