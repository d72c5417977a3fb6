"""What a hub finds again, and what it ends, after its own end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop.hub import LIGHT_SERVER, Hub
from tests.hadoop.yarn_rest import application, application_ids, running_applications
from yarnhub.minihadoop import MiniHadoop


@pytest.mark.heavy  # the next test ends one too
def test_an_orphan_is_ended_when_the_hub_starts_and_nobody_has_asked_for_anything(
    make_hub: Any, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    hub = make_hub()
    orphan = hub.start_server("alice")
    hub.kill()
    (hub.folder / "jupyterhub.sqlite").unlink()
    hub.start()
    wait_until(lambda: application(hadoop, orphan)["state"] == "KILLED", 30, "the orphan's end")
    assert "knows no server" in application(hadoop, orphan)["diagnostics"]


def test_another_hubs_applications_are_left_alone(
    make_hub: Any, hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    theirs_folder = tmp_path / "theirs"
    theirs_folder.mkdir()
    theirs = make_hub(folder=theirs_folder)
    application_id = theirs.start_server("alice")
    ours = make_hub("c.YarnSpawner.reconcile_interval = 1\n")
    ours.start_server("bob")
    orphan = ours.application_of("bob")
    ours.kill()
    (ours.folder / "jupyterhub.sqlite").unlink()
    ours.start()
    wait_until(lambda: application(hadoop, orphan)["state"] == "KILLED", 30, "the orphan's end")
    assert application(hadoop, application_id)["state"] == "RUNNING"
    assert theirs.get("/user/alice/api").is_success


def test_a_hub_that_can_not_use_its_configuration_leaves_servers_as_they_are(
    make_hub: Any, hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    hub: Hub = make_hub("c.YarnSpawner.reconcile_interval = 1\n")
    application_id = hub.start_server("alice")
    hub.stop_process()
    right = Path(hub.env["HADOOP_CONF_DIR"])
    wrong = shutil.copytree(right, tmp_path / "wrong")
    core_site = (right / "core-site.xml").read_text()
    (wrong / "core-site.xml").write_text(re.sub("hdfs://[^<]+", "hdfs:///", core_site))
    hub.env["HADOOP_CONF_DIR"] = str(wrong)
    hub.start()
    assert "cannot use its Hadoop configuration" in hub.log()
    assert hub.application_of("alice") == application_id
    hub.stop_process()
    hub.env["HADOOP_CONF_DIR"] = str(right)
    hub.start()
    wait_until(lambda: hub.get("/user/alice/api").is_success, 30, "the way to the server")
    assert application(hadoop, application_id)["state"] == "RUNNING"


@pytest.mark.heavy
def test_a_hub_that_died_while_yarn_was_away_ends_what_it_was_asked_to(
    make_hub: Any, hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    hub = make_hub("c.YarnSpawner.reconcile_interval = 1\n")
    application_id = hub.start_server("alice")
    hadoop.resourcemanager.stop()
    try:
        hub.api("DELETE", "users/alice/server")
        wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 90, "the hub to give up")
        assert "Trying again in the background" in hub.log()
        hub.kill()
    finally:
        hadoop.resourcemanager.start()
        hadoop.wait_ready()
    hub.start()
    wait_until(
        lambda: application(hadoop, application_id)["state"] == "KILLED", 60, "the server's end"
    )


STOPPED_WHILE_IT_WAS_PREPARED = """
import asyncio
from pathlib import Path

c.JupyterHub.cleanup_servers = True

async def prepare(spawner, spec):
    if spawner.user.name == "alice":
        Path("prepared").touch()
        while spawner.pending == "spawn":
            await asyncio.sleep(0)
    return spec

c.YarnSpawner.modify_spec_hook = prepare
"""


def test_a_hub_that_ends_asks_yarn_for_nothing_more(
    make_hub: Any, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    hub: Hub = make_hub(STOPPED_WHILE_IT_WAS_PREPARED)
    hub.start_server("bob")  # for its end the hub waits, and that is time for a start to go on
    before = application_ids(hadoop)
    hub.api("POST", "users/alice")
    hub.api("POST", "users/alice/server")
    wait_until((hub.folder / "prepared").exists, 60, "the start")
    hub.stop_process()
    assert application_ids(hadoop) == before
    hub.start()
    assert hub.api("GET", "users/alice")["servers"] == {}


def test_a_renamed_user_keeps_the_server_and_can_stop_it(hub: Hub, hadoop: MiniHadoop):
    application_id = hub.start_server("alice")
    hub.api("PATCH", "users/alice", {"name": "alicia"})
    hub.stop_server("alicia")
    assert application(hadoop, application_id)["state"] == "KILLED"


def test_a_deleted_named_server_leaves_nothing(hub: Hub, hadoop: MiniHadoop):
    application_id = hub.start_server("alice", "second")
    hub.api("DELETE", "users/alice/servers/second", {"remove": True})
    assert application(hadoop, application_id)["state"] == "KILLED"
    assert running_applications(hadoop) == []


@pytest.mark.heavy
def test_a_start_goes_on_after_several_restarts_of_the_hub(
    hub: Hub, hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    go = tmp_path / "go"
    hub.ask_for_server(
        "alice", f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'wait', {str(go)!r}]\n"
    )
    (pending,) = wait_until(lambda: running_applications(hadoop), 30, "the application")
    for _ in range(2):
        hub.kill()
        hub.start()
    go.touch()
    wait_until(lambda: hub.get("/user/alice/api").is_success, 30, "the server to be ready")
    (running,) = running_applications(hadoop)
    assert running["id"] == pending["id"]
