"""How often a start is looked at."""

from __future__ import annotations

import pytest

from yarnspawner.startup import LOOKS_PER_SECOND, poll_seconds


@pytest.mark.parametrize(
    ("starting", "seconds"), [(0, 0.1), (1, 0.1), (40, 0.1), (60, 0.15), (100, 0.25), (9999, 0.25)]
)
def test_a_few_starts_are_looked_at_more_often_than_many(starting, seconds):
    assert poll_seconds(starting) == seconds


def test_a_burst_of_starts_is_not_looked_at_more_often_than_the_hub_has_time_for():
    for starting in range(1, 101):
        assert starting / poll_seconds(starting) <= LOOKS_PER_SECOND + 1e-6
