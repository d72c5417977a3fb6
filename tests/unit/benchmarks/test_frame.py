"""What a benchmark prints: metrics that are never below zero, and no ratio of noise."""

from __future__ import annotations

import pytest

from benchmarks.frame import Result, Samples, Under, difference, samples_of

QUIET = Samples("quiet", "ms", (9.9, 10.0, 10.1))


def test_a_difference_above_the_noise_is_a_value():
    assert difference(Samples("slow", "ms", (14.8, 15.0, 15.1)), QUIET) == pytest.approx(5.0)


@pytest.mark.parametrize("median", [9.5, 10.0, 10.4])
def test_a_difference_within_the_noise_is_an_upper_bound(median: float):
    noisy = Samples("noisy", "ms", (median - 2, median, median + 2))
    bound = difference(noisy, QUIET)
    assert isinstance(bound, Under)
    assert bound.limit == pytest.approx(max(median - 10, 0) + 2.1)


def test_an_upper_bound_is_printed_as_one():
    result = Result((QUIET,), {"ratio": 0.5, "extra_ms": Under(2.1)})
    assert result.summary() == "ratio=0.5 extra_ms=<2.1"
    assert result.as_json()["metrics"] == {"ratio": 0.5, "extra_ms": {"under": 2.1}}


def test_a_metric_below_zero_is_refused():
    with pytest.raises(ValueError, match="cpu_pct is below zero"):
        Result((QUIET,), {"cpu_pct": -0.03})


def test_samples_have_the_name_and_the_unit_of_their_quantity():
    samples = samples_of({"list, raw ms": [1.0, 2.0]})
    assert samples == {"list, raw ms": Samples("list, raw", "ms", (1.0, 2.0))}
