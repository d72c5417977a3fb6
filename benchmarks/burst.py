"""Fifty users request a server in the same moment, against bare skein submits of the same servers.

The servers are light: they listen as soon as Python has started. They run on an embedded Hadoop
with three nodes. Ours go through all of JupyterHub, in parallel, and keep running. skein's are bare
submits, with the number of drivers that is fastest. Each of its application masters is a JVM, which
takes seconds of a core to start, and fifty in parallel would slow down each other. So skein submits
the next one when another has answered, which is then ended. During our part a client polls the hub
for its version.

Metrics:

- `ready`: our servers that became ready;
- `ratio`: seconds until the last server is ready, ours to skein's;
- `hub_p95_ms`: the 95th percentile of the hub's response time.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from statistics import quantiles

import httpx
import skein
from rich.console import Console

from benchmarks.frame import Result, Samples
from benchmarks.spawn import wait_for_answer, wait_for_quiet
from tests.hadoop.hub import LIGHT_SERVER, Hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import held_ports

SERVERS = 50
USERS = tuple(f"user{number:02}" for number in range(SERVERS))
DRIVERS = (1, 2, 4)
SKEIN_IN_PARALLEL = 8
TIMEOUT_SECONDS = 600
PROBE_SECONDS = 0.05
CONFIG = """
c.YarnSpawner.mem_limit = "64M"
c.JupyterHub.concurrent_spawn_limit = 100
c.JupyterHub.cleanup_servers = True
"""


def run(console: Console) -> Result:
    """Measure ours once, and skein with each number of drivers."""
    with console.status("Starting an embedded Hadoop and a hub") as status:
        hadoop = MiniHadoop(nodemanagers=3, users=USERS, memory_mb=10240, progress=status.update)
        with hadoop, tempfile.TemporaryDirectory() as folder:
            os.environ.update(hadoop.env())
            hub = Hub(Path(folder), hadoop.env(), CONFIG)
            hub.start()
            try:
                status.update(f"{SERVERS} servers through the hub")
                ready, seconds, latencies = measure_ours(hub)
            finally:
                hub.stop()
            skeins = []
            for drivers in DRIVERS:
                wait_for_quiet(hadoop)
                status.update(f"{SERVERS} bare submits by {drivers} drivers")
                skeins.append(measure_skein(drivers))
    samples = (
        Samples(f"yarnhub: {SERVERS} requests to all ready", "s", (seconds,)),
        *(
            Samples(f"skein, {drivers} drivers: submits to all answer", "s", (skein_seconds,))
            for drivers, skein_seconds in zip(DRIVERS, skeins, strict=True)
        ),
        Samples("the hub's responses during the starts", "ms", tuple(latencies)),
    )
    return Result(
        samples,
        {
            "ready": ready,
            "ratio": seconds / min(skeins),
            "hub_p95_ms": quantiles(latencies, n=20)[-1],
        },
    )


def measure_ours(hub: Hub) -> tuple[int, float, list[float]]:
    """Request all servers in parallel.

    Returns how many became ready, the seconds that it took, and the hub's response times in ms.
    """
    for user in USERS:
        hub.api("POST", f"users/{user}")
    with probed(hub) as latencies, ThreadPoolExecutor(SERVERS) as users:
        started = time.monotonic()
        events = list(users.map(hub.request_server, USERS))
        seconds = time.monotonic() - started
    ready = sum(bool(progress[-1].get("ready")) for progress in events)
    return ready, seconds, latencies


@contextmanager
def probed(hub: Hub) -> Iterator[list[float]]:
    """Poll the hub for its version inside the context; yields its response times in ms."""
    latencies: list[float] = []
    over = threading.Event()

    def probe() -> None:
        with httpx.Client(trust_env=False, timeout=60) as http:
            while not over.wait(PROBE_SECONDS):
                sent = time.monotonic()
                http.get(f"{hub.url}/hub/api/")
                latencies.append((time.monotonic() - sent) * 1000)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield latencies
    finally:
        over.set()
        thread.join()


def measure_skein(drivers: int) -> float:
    """Submit all servers with so many drivers; returns seconds until the last one answers."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(skein.Client(security=skein.Security.new_credentials()))
            for _ in range(drivers)
        ]

        def start(number: int, port: int) -> float:
            client = clients[number % drivers]
            application = client.submit(server(port))
            try:
                wait_for_answer(f"{base(port)}api", TIMEOUT_SECONDS)
                return time.monotonic()
            finally:
                client.kill_application(application)

        blocks = [stack.enter_context(held_ports(SERVERS // 2)) for _ in range(2)]
        with ThreadPoolExecutor(SKEIN_IN_PARALLEL) as submitters:
            started = time.monotonic()
            answered = list(submitters.map(start, range(SERVERS), chain(*blocks)))
    return max(answered) - started


def base(port: int) -> str:
    """Return the URL of a server."""
    return f"http://127.0.0.1:{port}/user/bare/"


def server(port: int) -> skein.ApplicationSpec:
    """Return skein's specification of a light server."""
    script = (
        f"export JUPYTERHUB_SERVICE_URL={base(port)} HOME=/tmp\n"
        f"exec {sys.executable} {LIGHT_SERVER}"
    )
    return skein.ApplicationSpec(
        name="bare", master=skein.Master(script=script, resources=skein.Resources("512 MiB", 1))
    )
