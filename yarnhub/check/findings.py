"""What a check says: a verdict, why, and what to do about it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import asdict, dataclass


class Verdict(str, enum.Enum):
    """How a check ended; `skipped` where there was nothing to look at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of a check. `remedy` is empty where nothing has to be done."""

    group: str
    verdict: Verdict
    why: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the finding as JSON has it."""
        return {**asdict(self), "verdict": self.verdict.value}


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 1 where anything has failed; a warning is no failure."""
    return int(any(finding.verdict is Verdict.FAILED for finding in findings))
