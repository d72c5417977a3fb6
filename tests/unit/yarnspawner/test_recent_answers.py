"""Answers that several callers share, some of whom do not wait for them."""

from __future__ import annotations

import asyncio

import pytest

from yarnspawner.hub import recent_answers
from yarnspawner.hub.recent_answers import RecentAnswers


class Cluster:
    """Answers when `ready` is set; `asked` has the keys that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ready = asyncio.Event()
        self.error: Exception | None = None

    async def answer(self, key: str) -> int:
        self.asked.append(key)
        await self.ready.wait()
        if self.error is not None:
            raise self.error
        return len(self.asked)

    async def get(self, answers: RecentAnswers[int], key: str) -> int:
        return await answers.get(key, lambda: self.answer(key))


async def started(*tasks: asyncio.Task[int]) -> None:
    """Let tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


@pytest.fixture
async def cluster() -> Cluster:
    return Cluster()


async def test_an_answer_is_remembered_though_the_caller_gave_up(cluster: Cluster) -> None:
    answers = RecentAnswers[int]()
    caller = asyncio.create_task(cluster.get(answers, "a"))
    await started(caller)
    caller.cancel()
    await asyncio.wait([caller])
    cluster.ready.set()
    assert await cluster.get(answers, "a") == 1
    assert await cluster.get(answers, "a") == 1
    assert cluster.asked == ["a"]


async def test_keys_do_not_wait_for_each_other_and_callers_of_one_share_it(
    cluster: Cluster,
) -> None:
    answers = RecentAnswers[int]()
    callers = [asyncio.create_task(cluster.get(answers, key)) for key in "aab"]
    await started(*callers)
    assert cluster.asked == ["a", "b"]
    cluster.ready.set()
    assert await asyncio.gather(*callers) == [2, 2, 2]


async def test_an_error_is_raised_to_all_who_wait_and_is_not_remembered(cluster: Cluster) -> None:
    answers = RecentAnswers[int]()
    cluster.error = OSError("away")
    callers = [asyncio.create_task(cluster.get(answers, "a")) for _ in range(2)]
    await started(*callers)
    cluster.ready.set()
    raised = await asyncio.gather(*callers, return_exceptions=True)
    assert raised == [cluster.error] * 2
    cluster.error = None
    assert await cluster.get(answers, "a") == 2
    assert cluster.asked == ["a", "a"]


async def test_an_old_answer_is_replaced(cluster: Cluster) -> None:
    answers = RecentAnswers[int](max_age=-1)
    cluster.ready.set()
    assert [await cluster.get(answers, "a") for _ in range(2)] == [1, 2]


async def test_the_answers_are_not_more_than_a_limit(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_answers, "MOST_ANSWERS", 2)
    answers = RecentAnswers[int]()
    cluster.ready.set()
    for key in "abc":
        await cluster.get(answers, key)
    assert len(answers._answers) <= 2
