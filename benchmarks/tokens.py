"""What delegation tokens cost a hub on a cluster with Kerberos.

For one user after the other, each on connections of their own, as those of a running hub are closed
by the time a server asks again: the user's tokens of HDFS and of the ResourceManager, by the hub's
own code, with its keytab's ticket in memory. Then for all of them at once. The processor's time is
the hub's alone.

Next to it a JVM for each token, `hadoop dtutil get`, which is what a script would run: it fetches
the hub's own token of HDFS, as it can't act for others, and none of the ResourceManager's. So it
does less than half.

Figures: `ms_user` and `cpu_ms_user`, time and processor's time for one user; `ms_user_burst`, time
for each of them when all ask at once; `ratio_jvm` and `ratio_jvm_cpu`, what a JVM takes to ours;
`cpu_s_hour_1000`, the processor's seconds in an hour for 1,000 users whose servers ask at the
default interval, with `fetches_hour_1000` fetches.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.frame import Result, Samples
from hadoop_client.configuration import Configuration
from hadoop_client.security import kerberos
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER, Security
from yarnspawner.launcher.delegation_tokens import Tokens

USERS = tuple(f"user{number}" for number in range(50))
ROUNDS = 5
JVMS = 5
HOUR = 3600.0


@dataclass(frozen=True)
class Cost:
    """Milliseconds, for one user."""

    wall: float
    cpu: float


def run(console: Console) -> Result:
    """Start a cluster with Kerberos, and measure there."""
    with console.status("Starting a Hadoop with Kerberos") as status:
        security = Security(protection="privacy")
        with MiniHadoop(datanodes=1, users=USERS, security=security) as hadoop:
            os.environ.update(hadoop.env())
            principal, keytab = hadoop.login(HUB_USER)
            kerberos.use_keytab(str(keytab), principal)
            status.update("The hub's own code")
            ours, burst, interval = asyncio.run(measure_ours(Configuration.load()))
            status.update("A JVM for each")
            jvms = [measure_jvm(hadoop, principal, keytab) for _ in range(JVMS)]
    return result(ours, burst, jvms, interval)


async def measure_ours(configuration: Configuration) -> tuple[list[Cost], list[Cost], float]:
    """Fetch the tokens of all users several times: one by one, then all at once. Returns the
    interval at which servers ask too, in seconds."""

    async def one_by_one(tokens: Tokens) -> None:
        for user in USERS:
            await tokens.fetch(user)

    async def at_once(tokens: Tokens) -> None:
        await asyncio.gather(*map(tokens.fetch, USERS))

    await cost(configuration, at_once)  # which gets the ticket, for hours
    ours = [await cost(configuration, one_by_one) for _ in range(ROUNDS)]
    burst = [await cost(configuration, at_once) for _ in range(ROUNDS)]
    return ours, burst, Tokens(configuration, HUB_USER, ()).refresh_seconds


async def cost(
    configuration: Configuration, fetch_all: Callable[[Tokens], Awaitable[None]]
) -> Cost:
    """Measure what one user's part of it takes, with no connection open from before."""
    tokens = Tokens(configuration, kerberos.own_user(configuration), ())
    wall, cpu = time.monotonic(), time.process_time()
    await fetch_all(tokens)
    spent = time.monotonic() - wall, time.process_time() - cpu
    await tokens.close()
    return Cost(*(seconds * 1000 / len(USERS) for seconds in spent))


def measure_jvm(hadoop: MiniHadoop, principal: str, keytab: Path) -> Cost:
    """Fetch one token by Hadoop's own tool."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(hadoop.state.folder / "bin" / "hdfs")]
        command += ["org.apache.hadoop.security.token.DtUtilShell", "get", hadoop.default_fs]
        command += ["-principal", principal, "-keytab", str(keytab), f"{folder}/tokens"]
        wall, cpu = time.monotonic(), cpu_of_children()
        subprocess.run(command, env={**os.environ, **hadoop.env()}, check=True, capture_output=True)
        assert (Path(folder) / "tokens").stat().st_size
        return Cost((time.monotonic() - wall) * 1000, (cpu_of_children() - cpu) * 1000)


def cpu_of_children() -> float:
    """Return the processor's seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def result(
    ours: Sequence[Cost], burst: Sequence[Cost], jvms: Sequence[Cost], interval: float
) -> Result:
    """Put the samples and the figures together."""

    def both(what: str, costs: Sequence[Cost]) -> tuple[Samples, Samples]:
        return (
            Samples(f"{what}: time", "ms", tuple(each.wall for each in costs)),
            Samples(f"{what}: processor", "ms", tuple(each.cpu for each in costs)),
        )

    wall, cpu = both("HDFS and YARN, a user after the other", ours)
    burst_wall, burst_cpu = both("HDFS and YARN, all users at once", burst)
    jvm_wall, jvm_cpu = both("HDFS alone, a JVM each", jvms)
    fetches = 1000 * HOUR / interval
    figures = {
        "ms_user": wall.median,
        "cpu_ms_user": cpu.median,
        "ms_user_burst": burst_wall.median,
        "ratio_jvm": jvm_wall.median / wall.median,
        "ratio_jvm_cpu": jvm_cpu.median / cpu.median,
        "fetches_hour_1000": fetches,
        "cpu_s_hour_1000": fetches * cpu.median / 1000,
    }
    return Result((wall, cpu, burst_wall, burst_cpu, jvm_wall, jvm_cpu), figures)
