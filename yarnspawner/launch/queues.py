"""The queue of a server. Pure."""

from __future__ import annotations

#: YARN's name for "no queue is named": placement rules replace it.
DEFAULT_QUEUE = "default"


def queue_of(option: str, user: str) -> str:
    """Return the queue that `c.YarnSpawner.queue` or a profile names for a Hadoop user."""
    return option.replace("{username}", user) or DEFAULT_QUEUE
