"""Samples, and the metrics that a benchmark computes from them.

A metric is never below zero. A difference that the noise of its samples hides is an upper bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table

#: Measured values by the name of their quantity, a space and their unit, such as "list ms".
Times = dict[str, list[float]]


@dataclass(frozen=True)
class Samples:
    """One quantity, measured several times."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value, which one slow run does not change."""
        return median(self.values)

    @property
    def noise(self) -> float:
        """The median distance of a value from the median."""
        return median(abs(value - self.median) for value in self.values)


def samples_of(times: Mapping[str, Sequence[float]]) -> dict[str, Samples]:
    """Return the samples of each quantity, by its name with its unit."""
    return {
        name: Samples(name.rpartition(" ")[0], name.rpartition(" ")[2], tuple(values))
        for name, values in times.items()
    }


@dataclass(frozen=True)
class Under:
    """An upper bound, for a value too small to be measured."""

    limit: float


Metric = float | Under


def difference(samples: Samples, floor: Samples) -> Metric:
    """Return the difference of two medians, or an upper bound if it is within their noise."""
    value, noise = samples.median - floor.median, samples.noise + floor.noise
    return value if value > noise else Under(max(value, 0.0) + noise)


@dataclass(frozen=True)
class Result:
    """The samples of a benchmark, and its metrics."""

    samples: tuple[Samples, ...]
    metrics: dict[str, Metric]

    def __post_init__(self) -> None:
        """Raise ValueError for a metric below zero, which is a mistake of the benchmark."""
        for key, metric in self.metrics.items():
            if (metric.limit if isinstance(metric, Under) else metric) < 0:
                raise ValueError(f"{key} is below zero: {metric}")

    def table(self) -> Table:
        """Return the table of the samples."""
        table = Table("quantity", "median", "min", "max", "runs", "unit")
        for samples in self.samples:
            numbers = (samples.median, min(samples.values), max(samples.values))
            table.add_row(
                samples.name,
                *(f"{number:.2f}" if number >= 1 else f"{number:.2g}" for number in numbers),
                str(len(samples.values)),
                samples.unit,
            )
        return table

    def summary(self) -> str:
        """Return the metrics as `key=value …`, an upper bound as `key=<value`."""
        return " ".join(
            f"{key}=<{metric.limit:.3g}" if isinstance(metric, Under) else f"{key}={metric:.3g}"
            for key, metric in self.metrics.items()
        )

    def as_json(self) -> dict[str, object]:
        """Return everything as plain data; an upper bound is `{"under": value}`."""
        return {
            "metrics": {
                key: {"under": metric.limit} if isinstance(metric, Under) else metric
                for key, metric in self.metrics.items()
            },
            "samples": {
                samples.name: {"unit": samples.unit, "values": list(samples.values)}
                for samples in self.samples
            },
        }
