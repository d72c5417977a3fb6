"""What a round of the benchmark of starts measures."""

from __future__ import annotations

from benchmarks.spawn import order

OFTEN = {"ours": 2, "local": 3, "bare": 1}


def test_the_round_that_does_not_count_measures_each_once():
    assert order(OFTEN, 0) == ["ours", "local", "bare"]


def test_the_repetitions_of_a_round_are_in_turn():
    assert order(OFTEN, 1) == ["ours", "local", "bare", "ours", "local", "local"]
