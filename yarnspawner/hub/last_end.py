"""The last end of servers, as the hub's pages show it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from hadoop_client.printable import printable
from yarnspawner.endings import End
from yarnspawner.hub.readable import duration, utc
from yarnspawner.jupyterhub_types import OrmSpawner


@dataclass(frozen=True)
class ShownEnd:
    """An end as the template shows it; `server` is empty for the default server."""

    server: str
    sentence: str
    output: str
    time: str
    ago: str
    is_expected: bool = False


def last_end(server: OrmSpawner | None) -> End | None:
    """Return the last end of a server of the hub's database; None after a good start."""
    return End.of_state((server.state or {}).get("last_end")) if server is not None else None


def show(name: str, end: End, now: float | None = None) -> ShownEnd:
    """Return an end for a template. `now` is in seconds since 1970, by default the present."""
    seconds = (time.time() if now is None else now) - end.ended_ms / 1000
    return ShownEnd(
        printable(name),
        end.sentence,
        end.output,
        utc(end.ended_ms),
        f"{duration(seconds)} ago",
        end.is_expected,
    )


def shown_ends(servers: Mapping[str, OrmSpawner], *names: str) -> list[ShownEnd]:
    """Return the last ends of these servers, as far as they have one."""
    ends = ((name, last_end(servers.get(name))) for name in names)
    return [show(name, end) for name, end in ends if end is not None]
