"""The cost for a hub to know the state of its servers: 10, 100, 1,000 and 10,000 of them.

JupyterHub polls each server every 30 s, give or take a tenth. Each poll asks the hub's StatusCache
for a state that is at most 10 s old. The ResourceManager is a process with recorded answers: see
`recorded`.

Two things are measured apart:

- CPU time: the polls of many minutes, one after another as fast as they return, on a clock that is
  advanced between them. So they take enough CPU time to be measured, and nothing else does.
- Calls and gaps: the polls of one minute on JupyterHub's own timers (tornado's PeriodicCallback),
  three times as fast as in a real hub. A gap is the time that the event loop works without a
  break, JupyterHub's timers included. It is also measured with polls that do nothing.

The peers, with 1,000 servers: a getApplicationReport call for each poll, as in the retired spawner,
and skein's get_applications instead of our call, on the same ResourceManager. Its driver, a JVM
beside the hub, does not count.

Metrics:

- `rm_calls_N`: calls to the ResourceManager in a minute;
- `cpu_pct_N`: CPU time for the polls, in percent of one core;
- `loop_gap_ms_1000` and `loop_gap_ms`: the longest gap with 1,000 and with 10,000 servers;
- `ratio_single` and `ratio_skein`: the hub's CPU time with the peers to ours.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import skein
from rich.console import Console
from tornado.ioloop import PeriodicCallback

from benchmarks.frame import Metric, Result, Samples
from benchmarks.recorded import (
    RECORDED,
    RecordedResourceManager,
    application_ids,
    recorded_resourcemanager,
    tag_for,
)
from benchmarks.rpc_service import write_yarn_site
from hadoop_client.configuration import Configuration
from hadoop_client.yarn.records import ALIVE
from yarnhub.minihadoop.artifacts import distribution
from yarnspawner.hub.status import Liveness, Snapshot, StatusCache
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.direct import DirectLauncher

COUNTS = (10, 100, 1_000, 10_000)
PEERS_COUNT = 1_000
POLL_INTERVAL, POLL_JITTER, STATUS_INTERVAL = 30.0, 0.1, 10.0

#: CPU seconds of one measurement, and the number of measurements.
CPU_SECONDS, ROUNDS = 2.0, 5

#: How much faster than in a real hub the timers run.
SPEED = 3
MINUTE = 60 / SPEED
TICK_SECONDS = 0.005

Poll = Callable[[str], Awaitable[None]]


class Clock:
    """A clock that runs at `speed` times real time, and can be advanced."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._advanced = 0.0

    def __call__(self) -> float:
        return time.monotonic() * self._speed + self._advanced

    def advance(self, seconds: float) -> None:
        self._advanced += seconds


#: Opens what polls need, and yields a poll whose states age by the clock.
Poller = Callable[[Clock], AbstractAsyncContextManager[Poll]]


@dataclass(frozen=True)
class Minute:
    """The calls to the ResourceManager and the longest gap in a minute's polls."""

    rm_calls: int
    longest_gap_seconds: float


@dataclass(frozen=True)
class Cost:
    """The cost of one way to poll: a minute of it, and CPU time in percent, once for each round."""

    minute: Minute
    cpu_pct: tuple[float, ...]


def run(console: Console) -> Result:
    """Measure each number of servers, then the peers."""
    with console.status("Starting") as status, recorded_resourcemanager(PEERS_COUNT) as rm:
        idle, ours = {}, {}
        for count in COUNTS:
            status.update(f"{count:,} servers")
            idle[count] = asyncio.run(measure_minute(rm, count, idle_poller))
            ours[count] = measure(rm, count, partial(our_poller, rm, count))
        status.update(f"{PEERS_COUNT:,} servers, one call each")
        single = measure(rm, PEERS_COUNT, partial(single_poller, rm))
        status.update(f"{PEERS_COUNT:,} servers with skein")
        with tempfile.TemporaryDirectory() as folder:
            os.environ.update(skein_environment(Path(folder), rm))
            with skein.Client(security=skein.Security.new_credentials()) as client:
                by_skein = measure(rm, PEERS_COUNT, partial(skein_poller, client, PEERS_COUNT))
    return result(idle, ours, single, by_skein)


@asynccontextmanager
async def idle_poller(clock: Clock) -> AsyncIterator[Poll]:
    """Yield a poll that does nothing."""

    async def poll(application_id: str) -> None:
        pass

    yield poll


@asynccontextmanager
async def our_poller(rm: RecordedResourceManager, count: int, clock: Clock) -> AsyncIterator[Poll]:
    """Yield a poll of the hub's StatusCache."""
    async with launcher_of(rm) as launcher:
        cache = StatusCache(launcher, tag_for(count), clock)

        async def poll(application_id: str) -> None:
            submission = Submission(application_id, RECORDED.tags[-1], RECORDED.user)
            status = await cache.status(submission, STATUS_INTERVAL)
            assert status.life is Liveness.ALIVE

        yield poll


@asynccontextmanager
async def single_poller(rm: RecordedResourceManager, clock: Clock) -> AsyncIterator[Poll]:
    """Yield a poll that asks for each application, on one connection."""
    async with launcher_of(rm) as launcher:

        async def poll(application_id: str) -> None:
            assert await launcher.report(application_id) is not None

        yield poll


@asynccontextmanager
async def skein_poller(client: skein.Client, count: int, clock: Clock) -> AsyncIterator[Poll]:
    """Yield a poll of the hub's snapshot, taken by skein in a thread, because its calls block."""

    class Skein:
        async def list_applications(self, *_: object) -> dict[str, object]:
            reports = await asyncio.to_thread(client.get_applications, states=["running"])
            return {report.id: report for report in reports}

    snapshot = Snapshot(Skein(), tag_for(count), ALIVE, clock)  # type: ignore[arg-type]

    async def poll(application_id: str) -> None:
        await snapshot.refresh(STATUS_INTERVAL)
        assert application_id in snapshot.reports

    yield poll


@asynccontextmanager
async def launcher_of(rm: RecordedResourceManager) -> AsyncIterator[DirectLauncher]:
    """Yield a launcher that is connected to the recorded ResourceManager."""
    launcher = DirectLauncher(
        Configuration({"yarn.resourcemanager.address": "{}:{}".format(*rm.address)}), "jupyterhub"
    )
    try:
        yield launcher
    finally:
        await launcher.close()


def measure(rm: RecordedResourceManager, count: int, poller: Poller) -> Cost:
    """Measure the polls of `count` servers."""
    minute = asyncio.run(measure_minute(rm, count, poller))
    return Cost(minute, asyncio.run(measure_cpu(count, poller)))


async def measure_cpu(count: int, poller: Poller) -> tuple[float, ...]:
    """Poll all servers again and again; return the CPU time in percent for each round."""
    clock = Clock(speed=0)
    names = application_ids(count)
    random.shuffle(names)
    rounds = []
    async with poller(clock) as poll:

        async def poll_all() -> None:
            for name in names:
                clock.advance(POLL_INTERVAL / count)
                await poll(name)

        await poll_all()  # Connects, and takes the first snapshot.
        gc.collect()
        for _ in range(ROUNDS):
            polled_seconds = used = 0.0
            began = time.process_time()
            while used < CPU_SECONDS:
                await poll_all()
                polled_seconds += POLL_INTERVAL
                used = time.process_time() - began
            rounds.append(used / polled_seconds * 100)
    return tuple(rounds)


async def measure_minute(rm: RecordedResourceManager, count: int, poller: Poller) -> Minute:
    """Poll all servers for two minutes, of which the second counts."""
    loop = asyncio.get_running_loop()
    gaps: list[float] = []
    async with poller(Clock(SPEED)) as poll:
        ticker = asyncio.create_task(tick(gaps))
        interval_ms = POLL_INTERVAL / SPEED * 1000
        callbacks = [
            PeriodicCallback(lambda name=name: poll(name), interval_ms, POLL_JITTER)  # type: ignore[misc]
            for name in application_ids(count)
        ]
        for callback in callbacks:
            loop.call_later(random.uniform(0, interval_ms / 1000), callback.start)
        await asyncio.sleep(MINUTE)
        gc.collect()  # The garbage of the start, and of earlier measurements.
        await asyncio.sleep(2 * TICK_SECONDS)  # This gap does not count.
        gaps.clear()
        calls = rm.calls
        await asyncio.sleep(MINUTE)
        minute = Minute(rm.calls - calls, max(gaps))
        for callback in callbacks:
            callback.stop()
        ticker.cancel()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})  # Polls under way.
    return minute


async def tick(gaps: list[float]) -> None:
    """Append how long the event loop works before it returns, repeatedly.

    In the loop's own CPU time: time that other programs take is not a gap.
    """
    while True:
        began = time.thread_time()
        await asyncio.sleep(TICK_SECONDS)
        gaps.append(time.thread_time() - began)


def skein_environment(folder: Path, rm: RecordedResourceManager) -> dict[str, str]:
    """Write the configuration of a Hadoop with only a ResourceManager; return skein's variables."""
    hadoop = distribution()
    write_yarn_site(folder, rm.address)
    yarn = folder / "yarn"
    yarn.write_text(f"#!/bin/sh\necho '{hadoop.globbed_classpath(folder)}'\n")
    yarn.chmod(0o755)
    return {
        "HADOOP_CONF_DIR": str(folder),
        "JAVA_HOME": str(hadoop.java_home),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HADOOP_USER_NAME": "jupyterhub",
    }


def result(idle: dict[int, Minute], ours: dict[int, Cost], single: Cost, by_skein: Cost) -> Result:
    """Compute the metrics from the samples."""
    samples: list[Samples] = []
    metrics: dict[str, Metric] = {}

    def add(name: str, unit: str, *values: float) -> float:
        samples.append(Samples(name, unit, values))
        return samples[-1].median

    def add_cost(title: str, cost: Cost) -> tuple[float, float, float]:
        return (
            add(f"{title}: calls", "1/min", cost.minute.rm_calls),
            add(f"{title}: CPU", "% of a core", *cost.cpu_pct),
            add(f"{title}: longest gap", "ms", cost.minute.longest_gap_seconds * 1000),
        )

    for count, cost in ours.items():
        title = f"{count:,} servers"
        metrics[f"rm_calls_{count}"], metrics[f"cpu_pct_{count}"], gap = add_cost(title, cost)
        idle_gap_ms = idle[count].longest_gap_seconds * 1000
        add(f"{title}, JupyterHub's timers alone: longest gap", "ms", idle_gap_ms)
        if count >= PEERS_COUNT:
            metrics["loop_gap_ms" if count == COUNTS[-1] else f"loop_gap_ms_{count}"] = gap
    _, single_pct, _ = add_cost(f"{PEERS_COUNT:,} servers, one call each", single)
    _, skein_pct, _ = add_cost(f"{PEERS_COUNT:,} servers, skein's get_applications", by_skein)
    our_pct = Samples("", "", ours[PEERS_COUNT].cpu_pct).median
    metrics["ratio_single"] = single_pct / our_pct
    metrics["ratio_skein"] = skein_pct / our_pct
    return Result(tuple(samples), metrics)
