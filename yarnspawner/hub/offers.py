"""What the cluster can give servers, from requests that all forms and starts share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from hadoop_client.yarn.records import Resource

Answer = TypeVar("Answer")

MAX_AGE_SECONDS = 30.0

#: How many answers are remembered.
MOST_ANSWERS = 1000


class RecentAnswers(Generic[Answer]):
    """Answers by key, at most `MAX_AGE_SECONDS` old."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, Answer]] = {}
        self._lock = asyncio.Lock()

    async def get(self, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of a key; `ask` gets it if it is missing or too old."""
        async with self._lock:
            if key in self._answers:
                taken, answer = self._answers[key]
                if time.monotonic() - taken <= MAX_AGE_SECONDS:
                    return answer
            answer = await ask()
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.clear()
            self._answers[key] = time.monotonic(), answer
            return answer


class Offers:
    """The most that a container may have, the nodes' labels, and which environments exist."""

    def __init__(self) -> None:
        self.maximum = RecentAnswers[Resource | None]()
        self.node_labels = RecentAnswers[frozenset[str] | None]()
        self.is_published = RecentAnswers[bool]()
