"""A user extends the lifetime of a server within the policy of its start and YARN's own limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import (
    ApplicationReport,
    ApplicationTimeout,
    ApplicationTimeoutEntry,
    expire_time,
)
from yarnspawner.hub.lifetime import LEAST_GAIN, Extensions, Lifetime, NotExtensibleError, extend
from yarnspawner.hub.submission import Submission
from yarnspawner.launch.summary import StartSummary

ID = "application_1_0001"
#: Long ago: `Extensions` takes the time of the machine's clock for now.
SUBMITTED = datetime(2020, 11, 30, 8, tzinfo=timezone.utc)
HOUR = 3600
POLICY = StartSummary(lifetime=8 * HOUR, max_lifetime=24 * HOUR)


def after(seconds: float) -> datetime:
    return SUBMITTED + timedelta(seconds=seconds)


def report(ends: datetime | None) -> ApplicationReport:
    timeout = ApplicationTimeout(expire_time="UNLIMITED")
    if ends is not None:
        timeout = ApplicationTimeout(expire_time=expire_time(ends), remaining_time=1)
    return ApplicationReport(
        application_id=ApplicationId.parse(ID),
        user="alice",
        tags=("tag",),
        state=ApplicationState.RUNNING,
        submit_time=round(SUBMITTED.timestamp() * 1000),
        timeouts=(ApplicationTimeoutEntry(timeout=timeout),),
    )


class Yarn:
    """YARN with one application, in a queue with a maximum lifetime if `most` is given."""

    def __init__(self, ends: datetime | None, most: datetime | None = None) -> None:
        self.answer: ApplicationReport | None = report(ends)
        self._most = most
        self.reports = 0
        self.changes: list[tuple[str, str, datetime]] = []

    async def report(self, application_id: str) -> ApplicationReport | None:
        assert application_id == ID
        self.reports += 1
        return self.answer

    async def set_lifetime_end(self, user: str, application_id: str, end: datetime) -> None:
        self.changes.append((user, application_id, end))
        self.answer = report(min(end, self._most or end))


class Server:
    submission = Submission(ID, "tag", "alice")

    def __init__(self, summary: StartSummary = POLICY) -> None:
        self.summary = summary

    def keep_max_lifetime(self, seconds: int) -> None:
        self.summary = replace(self.summary, max_lifetime=seconds)


async def extended(yarn: Any, server: Server, now: datetime) -> Lifetime:
    return await extend(server, yarn, lambda: now)


async def test_a_server_gets_another_lifetime_from_now_as_its_user() -> None:
    yarn = Yarn(after(8 * HOUR))
    lifetime = await extended(yarn, Server(), after(7 * HOUR))
    assert (lifetime.ends, lifetime.latest) == (after(15 * HOUR), after(24 * HOUR))
    assert yarn.changes == [("alice", ID, after(15 * HOUR))]


async def test_the_last_extension_ends_at_the_maximum() -> None:
    yarn = Yarn(after(20 * HOUR))
    assert (await extended(yarn, Server(), after(19 * HOUR))).ends == after(24 * HOUR)
    assert (await extended(yarn, Server(), after(23 * HOUR))).ends == after(24 * HOUR)
    assert len(yarn.changes) == 1


async def test_a_server_with_a_lifetime_of_any_length_is_extended() -> None:
    endless = StartSummary(lifetime=10**12, max_lifetime=10**13)
    lifetime = await extended(Yarn(after(8 * HOUR)), Server(endless), after(7 * HOUR))
    assert lifetime.ends == lifetime.latest
    assert lifetime.latest.year == 9999
    assert all(value < 2**48 for value in lifetime.to_json().values())


async def test_what_gains_less_than_a_minute_is_not_written_to_yarn() -> None:
    yarn = Yarn(after(8 * HOUR))
    assert (await extended(yarn, Server(), after(59))).ends == after(8 * HOUR)
    assert yarn.changes == []


async def test_a_server_that_asks_again_at_once_gets_the_same_answer() -> None:
    yarn: Any = Yarn(after(8 * HOUR))
    server, extensions = Server(), Extensions()
    at_once = await asyncio.gather(*[extensions.extend(server, yarn) for _ in range(3)])
    lifetimes = [*at_once, await extensions.extend(server, yarn)]
    assert lifetimes == [lifetimes[0]] * 4
    assert (len(yarn.changes), yarn.reports) == (1, 2)


async def test_a_refusal_is_not_asked_for_again_at_once() -> None:
    yarn: Any = Yarn(None)
    extensions = Extensions()
    for _ in range(2):
        with pytest.raises(NotExtensibleError, match="no time limit"):
            await extensions.extend(Server(), yarn)
    assert yarn.reports == 1


async def test_a_limit_of_the_queue_is_learned_once() -> None:
    yarn, server = Yarn(after(8 * HOUR), most=after(10 * HOUR)), Server()
    lifetime = await extended(yarn, server, after(7 * HOUR))
    assert (lifetime.ends, lifetime.latest) == (after(10 * HOUR), after(10 * HOUR))
    assert (await extended(yarn, server, after(9 * HOUR))).ends == after(10 * HOUR)
    assert len(yarn.changes) == 1


@pytest.mark.parametrize(
    ("ends", "summary", "sentence"),
    [
        (None, POLICY, "no time limit"),
        (after(HOUR), StartSummary(lifetime=HOUR), "Users may not extend"),
        (after(HOUR), StartSummary(), "Users may not extend"),
    ],
)
async def test_nothing_is_extended_without_a_limit_or_a_policy(
    ends: datetime | None, summary: StartSummary, sentence: str
) -> None:
    yarn = Yarn(ends)
    with pytest.raises(NotExtensibleError, match=sentence):
        await extended(yarn, Server(summary), SUBMITTED)
    assert yarn.changes == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        replace(report(after(HOUR)), state=ApplicationState.KILLED),
        replace(report(after(HOUR)), user="bob"),
    ],
    ids=["unknown", "ended", "of another user"],
)
async def test_only_the_servers_own_application_is_extended(
    answer: ApplicationReport | None,
) -> None:
    yarn = Yarn(None)
    yarn.answer = answer
    with pytest.raises(NotExtensibleError, match="has ended"):
        await extended(yarn, Server(), SUBMITTED)
    assert yarn.changes == []


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
def test_an_end_is_never_moved_back_nor_beyond_the_maximum(
    age: int, ends: int, lifetime: int, most: int
) -> None:
    found = Lifetime.of(report(after(ends)), StartSummary(lifetime=lifetime, max_lifetime=most))
    end = found.extended_end(after(age), lifetime)
    assert found.latest == after(max(ends, most))
    if end is not None:
        assert after(ends) + LEAST_GAIN <= end <= after(most)
        assert end <= after(age + lifetime)


def test_times_are_in_milliseconds() -> None:
    assert Lifetime(SUBMITTED).to_json() == {"ends_ms": None, "latest_ms": None}
    known = Lifetime(SUBMITTED, after(0.25), after(1)).to_json()
    start = round(SUBMITTED.timestamp() * 1000)
    assert known == {"ends_ms": start + 250, "latest_ms": start + 1000}
