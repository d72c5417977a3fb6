"""How `yarnhub apps` shows servers."""

from __future__ import annotations

from yarnhub.apps import age


def test_an_age_has_its_two_largest_units():
    assert [age(seconds) for seconds in (5, 65, 3660, 90000)] == [
        "5 s",
        "1 min 5 s",
        "1 h 1 min",
        "1 d 1 h",
    ]
