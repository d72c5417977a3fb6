from __future__ import annotations

from types import SimpleNamespace

import pytest

from yarnspawner import YarnSpawner
from yarnspawner.profiles.options import ProfileOptions


@pytest.mark.parametrize("name", ["cluster_queues", "forget_refused_options"])
def test_the_spawner_has_what_its_profiles_need(name: str) -> None:
    assert getattr(YarnSpawner, name) is not getattr(ProfileOptions, name)


def test_the_name_of_a_server_does_not_act_on_the_terminal_of_a_log() -> None:
    spawner = YarnSpawner()
    spawner.user = SimpleNamespace(name="alice")
    spawner.orm_spawner = SimpleNamespace(server=None, name="\x1b]0;owned\x07\r[I] forged")
    assert spawner._log_name == r"alice:\x1b]0;owned\x07\r[I] forged"
