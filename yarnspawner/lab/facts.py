"""What the hub tells a server about itself, in one variable of its environment. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

#: The server's variable with the facts, as JSON.
FACTS_VARIABLE = "YARNHUB_SERVER"


@dataclass(frozen=True)
class ServerFacts:
    """The facts of a start.

    - `memory`: the container's memory in bytes.
    - `memory_margin`: the fraction of it that stays free (`c.YarnSpawner.memory_margin`).
    - `profile`: the display name of the chosen profile; empty without profiles.
    - `cores`, `gpus`, `queue`, `environment`: as requested from YARN.
    - `submitted`: the time of the submit, in seconds since 1970.
    - `lifetime`: the seconds from then after which YARN ends the server; None for no limit.
    - `help_url`: where users find help; empty if the site names nothing.
    """

    memory: int = 0
    memory_margin: float = 0.0
    profile: str = ""
    cores: int = 0
    gpus: int = 0
    queue: str = ""
    environment: str = ""
    submitted: float = 0.0
    lifetime: int | None = None
    help_url: str = ""

    @property
    def ends(self) -> float | None:
        """When YARN ends the server, in seconds since 1970; None for no limit."""
        return None if self.lifetime is None else self.submitted + self.lifetime

    def to_json(self) -> str:
        """Serialize for the variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerFacts:
        """Parse the variable. The hub may be of a later version: unknown facts are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})
