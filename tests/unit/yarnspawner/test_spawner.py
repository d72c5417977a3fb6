from __future__ import annotations

from types import SimpleNamespace

import pytest

from yarnspawner import YarnSpawner
from yarnspawner import spawner as spawner_module
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
