"""What a check returns: a verdict, its reason, and a remedy. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import asdict, dataclass


class Verdict(str, enum.Enum):
    """How a check ended; `skipped` if there was nothing to check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class CheckResult:
    """One line of `yarnhub check`. `remedy` is empty if there is nothing to do."""

    group: str
    verdict: Verdict
    why: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the result as `--json` prints it."""
        return {**asdict(self), "verdict": self.verdict.value}


def exit_code(results: Iterable[CheckResult]) -> int:
    """Return 1 if any check failed, else 0; a warning is not a failure."""
    return int(any(result.verdict is Verdict.FAILED for result in results))
