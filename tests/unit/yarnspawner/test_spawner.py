from __future__ import annotations

import pytest

from yarnspawner import YarnSpawner
from yarnspawner.profiles.options import ProfileOptions


@pytest.mark.parametrize("name", ["cluster_queues", "forget_refused_options"])
def test_the_spawner_has_what_its_profiles_need(name: str) -> None:
    assert getattr(YarnSpawner, name) is not getattr(ProfileOptions, name)
