"""A server that asks for tokens without end gets few of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from hadoop_client.security.credentials import Token
from yarnspawner.hub.token_cache import TokenCache, TooManyRequestsError
from yarnspawner.launcher.interface import ClusterUnreachableError

#: Seconds between two refreshes of a server; a tenth of it is 1,000 seconds.
INTERVAL = 10_000.0


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


class Cluster:
    """Issues tokens as fast as it is asked, unless it is `away` or `slow`."""

    def __init__(self) -> None:
        self.issued = 0
        self.away = False
        self.slow: asyncio.Event | None = None

    async def fetch(self) -> Mapping[str, Token]:
        self.issued += 1
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise ClusterUnreachableError("The NameNode does not answer.")
        return {"hdfs": Token(b"", b"%d" % self.issued, "HDFS_DELEGATION_TOKEN", "hdfs")}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_flood_of_requests_makes_one_token_in_a_tenth_of_the_interval(
    cluster: Cluster, clock: Clock
):
    cache = TokenCache(clock)
    first = await cache.get(cluster.fetch, INTERVAL)
    for _ in range(400):
        clock.now += 2.0
        assert await cache.get(cluster.fetch, INTERVAL) == first
    assert cluster.issued == 1
    clock.now += 201.0
    assert await cache.get(cluster.fetch, INTERVAL) != first
    assert cluster.issued == 2


async def test_requests_at_the_same_time_are_one_and_refusals(cluster: Cluster, clock: Clock):
    cache = TokenCache(clock)
    cluster.slow = asyncio.Event()
    first = asyncio.create_task(cache.get(cluster.fetch, INTERVAL))
    await asyncio.sleep(0)
    for _ in range(40):
        with pytest.raises(TooManyRequestsError) as refused:
            await cache.get(cluster.fetch, INTERVAL)
        assert refused.value.retry_after == 30
    cluster.slow.set()
    tokens = await first
    assert await cache.get(cluster.fetch, INTERVAL) == tokens
    assert cluster.issued == 1


async def test_failures_are_limited_and_a_server_that_retries_gets_its_tokens(
    cluster: Cluster, clock: Clock
):
    cache = TokenCache(clock)
    cluster.away = True
    with pytest.raises(ClusterUnreachableError):
        await cache.get(cluster.fetch, INTERVAL)
    for _ in range(29):
        clock.now += 1.0
        with pytest.raises(TooManyRequestsError):
            await cache.get(cluster.fetch, INTERVAL)
    assert cluster.issued == 1
    cluster.away = False
    clock.now += 31.0  # A container tries again after 60 seconds.
    assert await cache.get(cluster.fetch, INTERVAL)


async def test_a_request_that_is_cancelled_does_not_block_the_next(cluster: Cluster, clock: Clock):
    cache = TokenCache(clock)
    cluster.slow = asyncio.Event()
    first = asyncio.create_task(cache.get(cluster.fetch, INTERVAL))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    clock.now += 60.0
    cluster.slow.set()
    assert await cache.get(cluster.fetch, INTERVAL)
