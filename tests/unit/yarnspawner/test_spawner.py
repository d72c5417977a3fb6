from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.yarn.reports import ApplicationReport
from tests.unit.yarnspawner.test_pending_start import SUBMISSION, NoServerYet
from yarnspawner import YarnSpawner
from yarnspawner import spawner as spawner_module
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.shared import KEY
from yarnspawner.hub.status import StatusCache
from yarnspawner.profiles.options import ProfileOptions


@pytest.mark.parametrize("name", ["cluster_queues", "forget_refused_options"])
def test_the_spawner_has_what_its_profiles_need(name: str) -> None:
    assert getattr(YarnSpawner, name) is not getattr(ProfileOptions, name)


async def test_a_restarted_hub_checks_a_running_server_at_its_own_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = []

    async def verify(url: str, *_: object) -> None:
        checked.append(url)

    url = "http://127.0.0.1:4711/user/alice/"
    server = SimpleNamespace(ip="127.0.0.1", base_url="/user/alice/", url=url)
    monkeypatch.setattr(YarnSpawner, "server", server)
    monkeypatch.setattr(YarnSpawner, "user", SimpleNamespace(name="alice", settings={}))
    monkeypatch.setattr(spawner_module, "verify_server_identity", verify)
    assert await YarnSpawner(oauth_client_id="jupyterhub-user-alice").get_url() == url
    assert checked == [url]


def test_the_name_of_a_server_does_not_act_on_the_terminal_of_a_log() -> None:
    spawner = YarnSpawner()
    spawner.user = SimpleNamespace(name="alice")
    spawner.orm_spawner = SimpleNamespace(server=None, name="\x1b]0;owned\x07\r[I] forged")
    assert spawner._log_name == r"alice:\x1b]0;owned\x07\r[I] forged"


@pytest.mark.parametrize(
    ("options", "is_kept"),
    [({}, True), ({"keep_packages": False}, False), ({"contents_manager": ""}, False)],
)
def test_packages_are_kept_in_servers_with_files_in_hdfs(
    options: dict[str, object], is_kept: bool
) -> None:
    assert ("--KeptPackages.enabled=True" in YarnSpawner(**options).get_args()) is is_kept


class OtherName(NoServerYet):
    """A cluster whose auth_to_local rules change the user's name."""

    async def report(self, application_id: str) -> ApplicationReport:
        return replace(await super().report(application_id), user="alice_corp")


async def test_the_users_name_in_yarn_is_saved_before_the_server_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launcher: Any = OtherName()
    cluster = HubCluster(
        launcher, StatusCache(launcher, "hub"), "hub", "jupyterhub", Configuration({}), None
    )
    spawner = YarnSpawner(hub=SimpleNamespace(api_url="http://127.0.0.1:8081/hub/api"))
    spawner.user = SimpleNamespace(name="alice", settings={KEY: (cluster, None)})
    spawner.application_id, spawner.spawn_tag = SUBMISSION.application_id, SUBMISSION.tag
    spawner.hadoop_user, spawner._starting = SUBMISSION.user, True
    saved: list[dict[str, Any]] = []
    monkeypatch.setattr(spawner, "_commit_state", lambda: saved.append(spawner.get_state()))
    start = asyncio.create_task(spawner._ready_url(cluster, time.monotonic() + 60))
    await asyncio.wait_for(launcher.asked.wait(), 60)
    start.cancel()
    await asyncio.wait([start])
    # JupyterHub does not call `stop` of a server that has ended.
    assert await spawner.poll() is None
    assert [state["yarn_user"] for state in saved] == ["alice_corp"]
