"""One hub with 1,000 running servers, on a simulated YARN with 50 nodes: see `simulated`.

The hub is a real one with its proxy, at JupyterHub's and YarnSpawner's default intervals, and logs
at debug level. Users request servers through its REST API. Half of them are started first, and then
the other half. Each time, and with no server, the hub runs for a minute without requests, and then
answers requests for pages and its API, one after another. In the end it is stopped and started
again while all servers run.

Metrics:

- `ready`: the servers that became ready;
- `start_cpu_ms`: the hub's CPU time for a start;
- `cpu_pct` and `mib`: the hub's CPU time in percent of one core, and its resident memory, with all
  servers;
- `server_cpu_pct` and `server_kib`: what each server adds to these, a line fitted to the three
  numbers of servers;
- `page_p95_ms` and `api_p95_ms`: the 95th percentile of the time for a user's home page, and for
  the state of a user's server from the REST API, with all servers;
- `restart_s`: from the start of a new hub until it answers;
- `found_s`: until it has found all servers;
- `cpu_pct_5000`, `mib_5000`, `restart_s_5000` and `found_s_5000`: for 5,000 servers, extended from
  these lines, and not measured.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, quantiles

import httpx
import psutil
from rich.console import Console

from benchmarks.frame import Metric, Result, Samples
from benchmarks.rpc_service import write_yarn_site
from benchmarks.simulated import simulated_cluster
from tests.hadoop.hub import Hub, Person

SERVERS = 1_000
EXTENDED = 5_000
USERS_IN_PARALLEL = 32
QUIET_SECONDS = 60.0
REQUESTS = 100
TIMEOUT_SECONDS = 600
LOOK_SECONDS = 0.02

#: The users in one answer of JupyterHub's REST API.
PAGE = 200
CONFIG = """
c.YarnSpawner.status_interval = 10
c.Spawner.poll_interval = 30
"""

#: What JupyterHub logs when it has checked all servers of an earlier hub.
FOUND = re.compile(r"Initialized (\d+) spawners in")


@dataclass(frozen=True)
class Load:
    """A hub with so many servers: its CPU time in percent of a core, its MiB, and the times of its
    answers in milliseconds."""

    servers: int
    cpu_pct: float
    mib: float
    pages: Sequence[float]
    calls: Sequence[float]


@dataclass(frozen=True)
class Restart:
    """The seconds from the start of a hub until it answers, and until it has found all servers."""

    servers: int
    answers: float
    found: float


def run(console: Console) -> Result:
    """Measure one hub."""
    with console.status("Starting") as status:
        return measure(SERVERS, QUIET_SECONDS, REQUESTS, status.update)


def measure(
    servers: int, quiet_seconds: float, requests: int, tell: Callable[[str], None]
) -> Result:
    """Measure a hub with no server, half of `servers`, and all of them.

    With each number of servers it gets no requests for `quiet_seconds`, and then `requests` of each
    kind.
    """
    users = [f"user{number:04}" for number in range(servers)]
    with tempfile.TemporaryDirectory() as name, simulated_cluster() as address:
        folder = Path(name)
        write_yarn_site(folder, address)
        hub = Hub(folder, {"HADOOP_CONF_DIR": str(folder)}, CONFIG)
        try:
            restarts = [start(hub, 0)]
            browser = Person(hub, users[0], "/hub/home").http

            def measured(running: int) -> Load:
                used_pct, mib = quiet_hub(hub, quiet_seconds)
                pages, calls = latencies(hub, browser, users[0], requests)
                return Load(running, used_pct, mib, pages, calls)

            loads = [measured(0)]
            start_cpu, ready = 0.0, 0
            for part in (users[: servers // 2], users[servers // 2 :]):
                tell(f"Starting {len(part):,} servers")
                with cpu_seconds(hub) as used:
                    ready += start_servers(hub, part)
                start_cpu += used[0]
                tell(f"Measuring with {ready:,} servers")
                loads.append(measured(ready))
            tell("Starting the hub again")
            hub.stop_process()
            restarts.append(start(hub, ready))
        finally:
            hub.stop()
    return result(loads, restarts, start_cpu / servers)


@contextmanager
def cpu_seconds(hub: Hub) -> Iterator[list[float]]:
    """Yield a list that gets the hub's CPU time in the context, in seconds."""
    process = psutil.Process(hub.pid)
    used: list[float] = []
    before = sum(process.cpu_times()[:2])
    yield used
    used.append(sum(process.cpu_times()[:2]) - before)


def start_servers(hub: Hub, users: Sequence[str]) -> int:
    """Start a server for each user; returns how many became ready."""
    with ThreadPoolExecutor(USERS_IN_PARALLEL) as pool:
        progress = list(pool.map(hub.request_server, users))
    return sum(bool(events[-1].get("ready")) for events in progress)


def quiet_hub(hub: Hub, seconds: float) -> tuple[float, float]:
    """Return the CPU time of a hub without requests, in percent of a core, and its MiB."""
    with cpu_seconds(hub) as used:
        time.sleep(seconds)
    return used[0] / seconds * 100, psutil.Process(hub.pid).memory_info().rss / 2**20


def latencies(
    hub: Hub, browser: httpx.Client, user: str, requests: int
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of requests for the home page, and for the state of the server."""
    pages, calls = [], []
    for _ in range(requests):
        pages.append(milliseconds(lambda: browser.get("/hub/home").raise_for_status()))
        calls.append(milliseconds(lambda: hub.api("GET", f"users/{user}")))
    return pages, calls


def milliseconds(request: Callable[[], object]) -> float:
    """Return how long a request takes."""
    began = time.monotonic()
    request()
    return (time.monotonic() - began) * 1000


def start(hub: Hub, servers: int) -> Restart:
    """Start a hub that finds `servers`; raises RuntimeError if it finds others."""
    position = hub.log_file.stat().st_size if hub.log_file.exists() else 0
    began = time.monotonic()
    hub.start()
    answers = time.monotonic() - began
    wait_for_line(hub.log_file, position, FOUND)
    found = time.monotonic() - began
    ready = len(list(ready_servers(hub)))
    if ready != servers:
        raise RuntimeError(f"the hub has found {ready} of {servers} servers")
    return Restart(servers, answers, found)


def wait_for_line(file: Path, position: int, line: re.Pattern[str]) -> None:
    """Wait until a file has a `line` after `position`."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with file.open(errors="replace") as text:
        text.seek(position)
        seen = ""
        while not line.search(seen):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no line {line.pattern!r} within {TIMEOUT_SECONDS} s")
            time.sleep(LOOK_SECONDS)
            seen = seen[-len(line.pattern) :] + text.read()


def ready_servers(hub: Hub) -> Iterator[str]:
    """Yield the users whose servers the hub's REST API lists as ready."""
    users: list[dict[str, object]] = []
    offset = 0
    while offset == 0 or users:
        users = hub.api("GET", f"users?state=ready&limit={PAGE}&offset={offset}")
        yield from (str(user["name"]) for user in users)
        offset += PAGE


def result(loads: Sequence[Load], restarts: Sequence[Restart], start_cpu: float) -> Result:
    """Compute the metrics: `start_cpu` is in seconds."""
    last = loads[-1]
    cpu_pct = Line.fit([(load.servers, load.cpu_pct) for load in loads])
    mib = Line.fit([(load.servers, load.mib) for load in loads])
    answers = Line.fit([(restart.servers, restart.answers) for restart in restarts])
    found = Line.fit([(restart.servers, restart.found) for restart in restarts])
    metrics: dict[str, Metric] = {
        "ready": last.servers,
        "start_cpu_ms": start_cpu * 1000,
        "cpu_pct": last.cpu_pct,
        "mib": last.mib,
        "server_cpu_pct": max(0.0, cpu_pct.slope),
        "server_kib": max(0.0, mib.slope * 1024),
        "page_p95_ms": quantiles(last.pages, n=20)[-1],
        "api_p95_ms": quantiles(last.calls, n=20)[-1],
        "restart_s": restarts[-1].answers,
        "found_s": restarts[-1].found,
        f"cpu_pct_{EXTENDED}": cpu_pct.at(EXTENDED),
        f"mib_{EXTENDED}": mib.at(EXTENDED),
        f"restart_s_{EXTENDED}": answers.at(EXTENDED),
        f"found_s_{EXTENDED}": found.at(EXTENDED),
    }
    return Result((*samples_of_loads(loads), *samples_of_restarts(restarts)), metrics)


def samples_of_loads(loads: Sequence[Load]) -> Iterator[Samples]:
    """Yield what the table shows of each number of servers."""
    for load in loads:
        title = f"{load.servers:,} servers"
        yield Samples(f"{title}: CPU", "% of a core", (load.cpu_pct,))
        yield Samples(f"{title}: memory", "MiB", (load.mib,))
        yield Samples(f"{title}: home page", "ms", tuple(load.pages))
        yield Samples(f"{title}: state of a server from the API", "ms", tuple(load.calls))


def samples_of_restarts(restarts: Sequence[Restart]) -> Iterator[Samples]:
    """Yield what the table shows of each start of the hub."""
    for restart in restarts:
        title = f"{restart.servers:,} servers, start of a hub"
        yield Samples(f"{title}: it answers", "s", (restart.answers,))
        yield Samples(f"{title}: all are found", "s", (restart.found,))


@dataclass(frozen=True)
class Line:
    """A line fitted to measured values."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, points: Sequence[tuple[int, float]]) -> Line:
        """Fit it to values by their numbers of servers."""
        fitted = linear_regression(*zip(*points, strict=True))
        return cls(fitted.slope, fitted.intercept)

    def at(self, servers: int) -> float:
        """Return its value, not below zero, for a number of servers."""
        return max(0.0, self.intercept + self.slope * servers)
