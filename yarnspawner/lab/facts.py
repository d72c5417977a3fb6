"""What the hub tells a server about itself, in one variable of its environment. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

#: The server's variable with the facts, as JSON.
FACTS_VARIABLE = "YARNHUB_SERVER"


@dataclass(frozen=True)
class ServerFacts:
    """The facts of a start.

    - `memory`: the container's memory as requested, in bytes; YARN may grant more.
    - `memory_margin`: the fraction of it that stays free (`c.YarnSpawner.memory_margin`).
    """

    memory: int = 0
    memory_margin: float = 0.0

    def to_json(self) -> str:
        """Serialize for the variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerFacts:
        """Parse the variable. The hub may be of a later version: unknown facts are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})
