"""Answers of the cluster that callers share for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")

#: How old an answer may be by default.
MAX_AGE_SECONDS = 30.0

#: How many answers are remembered.
MOST_ANSWERS = 1000


class RecentAnswers(Generic[Answer]):
    """Answers by key, at most `max_age` seconds old."""

    def __init__(self, max_age: float = MAX_AGE_SECONDS) -> None:
        self._max_age = max_age
        self._answers: dict[str, tuple[float, Answer]] = {}
        self._asking: dict[str, asyncio.Task[Answer]] = {}

    async def get(self, key: str, ask: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Return the answer of a key; `ask` gets it if it is missing or too old.

        Callers at the same time share one question. It goes on if they give up, so that a slow
        answer is there for the next one.
        """
        if key in self._answers:
            taken, answer = self._answers[key]
            if time.monotonic() - taken <= self._max_age:
                return answer
        if key not in self._asking:
            task = asyncio.create_task(ask())
            self._asking[key] = task
            task.add_done_callback(partial(self._keep, key))
        return await asyncio.shield(self._asking[key])

    def _keep(self, key: str, task: asyncio.Task[Answer]) -> None:
        del self._asking[key]
        # Asked for the error too, which asyncio else logs if all callers gave up.
        if task.cancelled() or task.exception() is not None:
            return
        if len(self._answers) >= MOST_ANSWERS:
            self._answers.clear()
        self._answers[key] = time.monotonic(), task.result()
