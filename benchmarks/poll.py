"""What it costs a hub to know of all its servers: 10, 100, 1,000 and 10,000 of them.

Each server is polled as JupyterHub does it: by tornado's PeriodicCallback, every 30 s and a tenth
more or less, beginning at any moment. Each poll asks the hub's own StatusBoard for a state that is
at most 10 s old. The ResourceManager is a process with recorded answers: see `recorded`.

Time runs three times as fast: a minute's polls are made within twenty seconds. So the calls and the
processor's seconds are those of a minute, and the loop is three times as busy as a real hub's.

The processor's time is what the polls add to those of a spawner that does nothing, which are
measured likewise: JupyterHub's timers cost what they cost.

Next to it, at 1,000 servers: one getApplicationReport per poll, as the retired spawner asked, and
skein's get_applications in place of our call, its driver on the same recorded ResourceManager.

Figures: `rm_calls_N`, calls to the ResourceManager in a minute; `cpu_pct_N`, percent of one core
that the hub needs for its polls; `loop_gap_ms`, how long the event loop worked at most before the
next in line had its turn while 10,000 servers were polled, and `loop_gap_ms_1000` likewise;
`ratio_single` and `ratio_skein`, the hub's processor time with one call per server and with skein,
to ours. skein's driver, a JVM that works beside the hub, is not in its figure.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import skein
from rich.console import Console
from tornado.ioloop import PeriodicCallback

from benchmarks.frame import Result, Samples
from benchmarks.recorded import (
    RECORDED,
    RecordedResourceManager,
    application_ids,
    recorded_resourcemanager,
    tag_for,
)
from hadoop_client.configuration import Configuration
from yarnhub.minihadoop.artifacts import distribution
from yarnspawner.hub.status import Liveness, Snapshot, StatusCache
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.direct import DirectLauncher
from yarnspawner.launcher.interface import ALIVE

COUNTS = (10, 100, 1_000, 10_000)
PEERS_COUNT = 1_000
SPEED = 3
POLL_INTERVAL, POLL_JITTER, STATUS_INTERVAL = 30 / SPEED, 0.1, 10 / SPEED
MINUTE = 60 / SPEED
TICK_SECONDS = 0.005

Poll = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Minute:
    """What one minute of a hub's life took."""

    rm_calls: int
    cpu_seconds: float
    longest_gap_seconds: float

    def cpu_pct(self, idle: Minute) -> float:
        """Return what it needed more than the other, in percent of one core."""
        return (self.cpu_seconds - idle.cpu_seconds) / 60 * 100


def run(console: Console) -> Result:
    """Measure each number of servers, then the peers."""
    with console.status("Starting") as status, recorded_resourcemanager(PEERS_COUNT) as rm:
        idle, ours = {}, {}
        for count in COUNTS:
            status.update(f"{count:,} servers")
            idle[count] = asyncio.run(measure(rm, application_ids(count), do_nothing))
            ours[count] = asyncio.run(measure_ours(rm, count))
        status.update(f"{PEERS_COUNT:,} servers, one call each")
        single = asyncio.run(measure_singles(rm, PEERS_COUNT))
        status.update(f"{PEERS_COUNT:,} servers by skein")
        by_skein = measure_skein(rm, PEERS_COUNT)
    return result(idle, ours, single, by_skein)


async def do_nothing(application_id: str) -> None:
    """Poll as a spawner would that knows everything already."""


async def measure_ours(rm: RecordedResourceManager, count: int) -> Minute:
    """Poll `count` servers through the hub's StatusBoard."""
    async with cluster_of(rm) as cluster:
        board = StatusCache(cluster, tag_for(count))

        async def poll(application_id: str) -> None:
            submission = Submission(application_id, RECORDED.tags[-1], RECORDED.user)
            status = await board.status(submission, STATUS_INTERVAL)
            assert status.life is Liveness.ALIVE

        return await measure(rm, application_ids(count), poll)


async def measure_singles(rm: RecordedResourceManager, count: int) -> Minute:
    """Ask for each server by itself, on the same connection."""
    async with cluster_of(rm) as cluster:

        async def poll(application_id: str) -> None:
            assert await cluster.report(application_id) is not None

        return await measure(rm, application_ids(count), poll)


@asynccontextmanager
async def cluster_of(rm: RecordedResourceManager) -> AsyncIterator[DirectLauncher]:
    """Connect to the recorded ResourceManager."""
    cluster = DirectLauncher(
        Configuration({"yarn.resourcemanager.address": "{}:{}".format(*rm.address)}), "jupyterhub"
    )
    try:
        yield cluster
    finally:
        await cluster.close()


async def measure(rm: RecordedResourceManager, names: list[str], poll: Poll) -> Minute:
    """Poll all of them for two minutes, of which the second counts."""
    loop = asyncio.get_running_loop()
    gaps: list[float] = []
    ticker = asyncio.create_task(tick(gaps))
    callbacks = [
        PeriodicCallback(lambda name=name: poll(name), POLL_INTERVAL * 1000, POLL_JITTER)  # type: ignore[misc]
        for name in names
    ]
    for callback in callbacks:
        loop.call_later(random.uniform(0, POLL_INTERVAL), callback.start)
    await asyncio.sleep(MINUTE)
    gc.collect()  # what a start leaves behind, and the measurement before
    await asyncio.sleep(2 * TICK_SECONDS)  # so that this gap is over
    gaps.clear()
    calls, cpu = rm.calls, time.process_time()
    await asyncio.sleep(MINUTE)
    minute = Minute(rm.calls - calls, time.process_time() - cpu, max(gaps))
    for callback in callbacks:
        callback.stop()
    ticker.cancel()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})  # what is under way
    return minute


async def tick(gaps: list[float]) -> None:
    """Note how long the event loop works before it comes back, again and again.

    In its own processor time: what other programs keep from it is not its gap.
    """
    while True:
        left = time.thread_time()
        await asyncio.sleep(TICK_SECONDS)
        gaps.append(time.thread_time() - left)


def measure_skein(rm: RecordedResourceManager, count: int) -> Minute:
    """Poll `count` servers through a snapshot of the hub's that skein takes."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(skein_environment(Path(folder), rm))
        with skein.Client(security=skein.Security.new_credentials()) as client:
            return asyncio.run(poll_by_skein(rm, client, count))


async def poll_by_skein(rm: RecordedResourceManager, client: skein.Client, count: int) -> Minute:
    """Take the snapshot in a thread, as skein's calls block."""

    class Skein:
        async def list_applications(self, *_: object) -> dict[str, object]:
            reports = await asyncio.to_thread(client.get_applications, states=["running"])
            return {report.id: report for report in reports}

    snapshot = Snapshot(Skein(), tag_for(count), ALIVE, time.monotonic)  # type: ignore[arg-type]

    async def poll(application_id: str) -> None:
        await snapshot.refresh(STATUS_INTERVAL)
        assert application_id in snapshot.reports

    return await measure(rm, application_ids(count), poll)


def skein_environment(folder: Path, rm: RecordedResourceManager) -> dict[str, str]:
    """Make what skein wants to see of a Hadoop whose only service is the ResourceManager."""
    hadoop = distribution()
    host, port = rm.address
    (folder / "yarn-site.xml").write_text(
        "<configuration><property><name>yarn.resourcemanager.address</name>"
        f"<value>{host}:{port}</value></property></configuration>"
    )
    yarn = folder / "yarn"
    yarn.write_text(f"#!/bin/sh\necho '{hadoop.globbed_classpath(folder)}'\n")
    yarn.chmod(0o755)
    return {
        "HADOOP_CONF_DIR": str(folder),
        "JAVA_HOME": str(hadoop.java_home),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HADOOP_USER_NAME": "jupyterhub",
    }


def result(
    idle: dict[int, Minute], ours: dict[int, Minute], single: Minute, by_skein: Minute
) -> Result:
    """Put the samples and the figures together."""
    samples: list[Samples] = []
    figures: dict[str, float] = {}

    def add(name: str, unit: str, *values: float) -> float:
        samples.append(Samples(name, unit, values))
        return samples[-1].median

    for count, minute in ours.items():
        who = f"{count:,} servers"
        figures[f"rm_calls_{count}"] = add(f"{who}: calls", "1/min", minute.rm_calls)
        figures[f"cpu_pct_{count}"] = add(
            f"{who}: processor", "% of a core", minute.cpu_pct(idle[count])
        )
        gap = add(f"{who}: longest gap", "ms", minute.longest_gap_seconds * 1000)
        alone = f"{who}, JupyterHub's timers alone"
        add(f"{alone}: processor", "% of a core", idle[count].cpu_seconds / 60 * 100)
        add(f"{alone}: longest gap", "ms", idle[count].longest_gap_seconds * 1000)
        if count >= PEERS_COUNT:
            figures["loop_gap_ms" if count == COUNTS[-1] else f"loop_gap_ms_{count}"] = gap
    at_rest, our_pct = idle[PEERS_COUNT], figures[f"cpu_pct_{PEERS_COUNT}"]
    for name, key, minute in (
        ("one call each", "single", single),
        ("skein's get_applications", "skein", by_skein),
    ):
        who = f"{PEERS_COUNT:,} servers, {name}"
        add(f"{who}: calls", "1/min", minute.rm_calls)
        pct = add(f"{who}: processor", "% of a core", minute.cpu_pct(at_rest))
        add(f"{who}: longest gap", "ms", minute.longest_gap_seconds * 1000)
        figures[f"ratio_{key}"] = pct / our_pct
    return Result(tuple(samples), figures)
