"""What all benchmarks share: samples, their medians, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Samples:
    """One quantity, measured several times."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value, which one slow run does not move."""
        return median(self.values)


@dataclass(frozen=True)
class Result:
    """What a benchmark found: the samples, and the figures that are claimed from them."""

    samples: tuple[Samples, ...]
    figures: dict[str, float]

    def table(self) -> Table:
        """Return the samples as a table."""
        table = Table("what", "median", "from", "to", "runs", "unit")
        for one in self.samples:
            values = (one.median, min(one.values), max(one.values))
            table.add_row(
                one.name, *(f"{value:.2f}" for value in values), str(len(one.values)), one.unit
            )
        return table

    def summary(self) -> str:
        """Return the figures as `key=value …`."""
        return " ".join(f"{key}={value:.3g}" for key, value in self.figures.items())

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "figures": self.figures,
            "samples": {
                one.name: {"unit": one.unit, "values": list(one.values)} for one in self.samples
            },
        }
