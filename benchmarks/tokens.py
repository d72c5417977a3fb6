"""The cost of delegation tokens for a hub on a cluster with Kerberos.

The hub's own code fetches each user's tokens of HDFS and of the ResourceManager, with the ticket of
its keytab in memory. First one user after another, each on new connections, because a running hub
has closed them when a server asks again. Then all users in parallel. CPU time is the hub's only.

The peer is a JVM for each token, `hadoop dtutil get`, as in a script. It fetches only the hub's own
token of HDFS, because it cannot impersonate users, and none of the ResourceManager. So it does less
than half of the work.

Metrics:

- `ms_user` and `cpu_ms_user`: time and CPU time for one user;
- `ms_user_burst`: time for each user when all ask in parallel;
- `ratio_jvm` and `ratio_jvm_cpu`: a JVM's time and CPU time to ours;
- `fetches_hour_1000` and `cpu_s_hour_1000`: fetches and CPU seconds in an hour for 1,000 users,
  whose servers ask at the default interval.
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

from benchmarks.frame import Metric, Result, Samples
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
    """Time and CPU time for one user, in ms."""

    wall: float
    cpu: float


def run(console: Console) -> Result:
    """Measure both on a cluster with Kerberos."""
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
    """Fetch all users' tokens several times, one by one, then in parallel.

    Also returns the interval at which servers ask for new tokens, in seconds.
    """

    async def one_by_one(tokens: Tokens) -> None:
        for user in USERS:
            await tokens.fetch(user)

    async def in_parallel(tokens: Tokens) -> None:
        await asyncio.gather(*map(tokens.fetch, USERS))

    await cost(configuration, in_parallel)  # Gets the ticket, which is valid for hours.
    ours = [await cost(configuration, one_by_one) for _ in range(ROUNDS)]
    burst = [await cost(configuration, in_parallel) for _ in range(ROUNDS)]
    return ours, burst, Tokens(configuration, HUB_USER, ()).refresh_seconds


async def cost(
    configuration: Configuration, fetch_all: Callable[[Tokens], Awaitable[None]]
) -> Cost:
    """Measure the cost for one user, without open connections."""
    tokens = Tokens(configuration, kerberos.own_user(configuration), ())
    wall, cpu = time.monotonic(), time.process_time()
    await fetch_all(tokens)
    spent = time.monotonic() - wall, time.process_time() - cpu
    await tokens.close()
    return Cost(*(seconds * 1000 / len(USERS) for seconds in spent))


def measure_jvm(hadoop: MiniHadoop, principal: str, keytab: Path) -> Cost:
    """Fetch one token with Hadoop's own tool."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(hadoop.state.folder / "bin" / "hdfs")]
        command += ["org.apache.hadoop.security.token.DtUtilShell", "get", hadoop.default_fs]
        command += ["-principal", principal, "-keytab", str(keytab), f"{folder}/tokens"]
        wall, cpu = time.monotonic(), cpu_of_children()
        subprocess.run(command, env={**os.environ, **hadoop.env()}, check=True, capture_output=True)
        assert (Path(folder) / "tokens").stat().st_size
        return Cost((time.monotonic() - wall) * 1000, (cpu_of_children() - cpu) * 1000)


def cpu_of_children() -> float:
    """Return the CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def result(
    ours: Sequence[Cost], burst: Sequence[Cost], jvms: Sequence[Cost], interval: float
) -> Result:
    """Compute the metrics from the samples."""

    def both(title: str, costs: Sequence[Cost]) -> tuple[Samples, Samples]:
        return (
            Samples(f"{title}: time", "ms", tuple(cost.wall for cost in costs)),
            Samples(f"{title}: CPU", "ms", tuple(cost.cpu for cost in costs)),
        )

    wall, cpu = both("HDFS and YARN, one user after another", ours)
    burst_wall, burst_cpu = both("HDFS and YARN, all users in parallel", burst)
    jvm_wall, jvm_cpu = both("HDFS only, a JVM each", jvms)
    fetches = 1000 * HOUR / interval
    metrics: dict[str, Metric] = {
        "ms_user": wall.median,
        "cpu_ms_user": cpu.median,
        "ms_user_burst": burst_wall.median,
        "ratio_jvm": jvm_wall.median / wall.median,
        "ratio_jvm_cpu": jvm_cpu.median / cpu.median,
        "fetches_hour_1000": fetches,
        "cpu_s_hour_1000": fetches * cpu.median / 1000,
    }
    return Result((wall, cpu, burst_wall, burst_cpu, jvm_wall, jvm_cpu), metrics)
