"""The time from a server's request to its first response, against JupyterHub's local spawner and a
bare skein submit of the same server.

All run jupyterhub-singleuser with the same arguments from the same Python environment, at a path on
the node, with a hub. Ours goes through all of JupyterHub: request, database, progress and proxy.
skein's is its fastest use: a running driver, a submit, and a script as application master. They
alternate, so a change of the machine's speed affects all. JupyterHub's SimpleLocalProcessSpawner
starts the server as a child process of a hub like ours. A further series is ours with the skein
launcher.

Two of these times are random by design, so they are measured more often in each round. Ours waits 0
to 1 s for a heartbeat of the node. JupyterHub asks a server that it starts itself again and again,
after random pauses of up to 0.2, 0.4, 0.8 s and so on: a server that listens after 1.3 s is ready
after 1.4 to 3.9 s (5th to 95th percentile). The median of 7 such times varies by 16 % from run to
run, and that of 35 by 7 %.

Metrics:

- `ratio`: our median to skein's;
- `local_ratio`: our median to that of JupyterHub's local spawner;
- `launcher_ratio`: our median with the skein launcher to skein's;
- `server_s`: the server's own process, from its start until it listens;
- `hub_s`: the hub's part: from the request until YARN has the application, and from the moment at
  which the server listens until it is ready;
- `kernel_s`: from the request of a kernel until it answers;
- `am_rss_mb` and `skein_am_rss_mb`: the resident memory of the application master alone.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import skein
from rich.console import Console

from benchmarks.frame import Metric, Result, Times, samples_of
from benchmarks.server_start import command_of, hub_seconds, measure_kernel, measure_process
from tests.hadoop.hub import Hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import held_ports
from yarnhub.minihadoop.processes import containers
from yarnspawner.launch.arguments import LAB_DEFAULTS, with_defaults

ROUNDS = 7

#: How often what is random is measured in a round.
OFTEN, MORE_OFTEN = 3, 5
POLL_SECONDS = 0.02
TIMEOUT_SECONDS = 120
PROGRAM = "jupyterhub-singleuser"
ARGUMENTS = with_defaults(LAB_DEFAULTS, ["--allow-root"])
CONFIG = f"""
c.YarnSpawner.cmd = ["{PROGRAM}"]
c.YarnSpawner.args = {ARGUMENTS}
c.YarnSpawner.mem_limit = "1G"
"""
LOCALLY = f"""
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [{command_of(PROGRAM)!r}]
c.Spawner.args = {ARGUMENTS}
"""
BY_SKEIN = 'c.YarnSpawner.launcher = "skein"\n'

OURS = "yarnhub: request to ready, through the hub"
BARE = "skein: submit to first answer"
LOCAL = "JupyterHub's local spawner: request to ready, through the hub"
PROCESS = "the server's own process: start to listening"
HUB = "the hub's part of a start"
KERNEL = "kernel: request to first answer, through the hub"
LAUNCHER = "yarnhub by skein: request to ready, through the hub"


def run(console: Console) -> Result:
    """Measure all in each round. The first round is a warm-up and does not count."""
    times: dict[str, list[float]] = {}
    with (
        console.status("Starting Hadoop and three hubs") as status,
        ExitStack() as stack,
    ):
        hadoop = stack.enter_context(MiniHadoop(progress=status.update))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ.update(hadoop.env())
        hub = stack.enter_context(running_hub(hadoop, folder / "direct", CONFIG))
        by_skein = stack.enter_context(running_hub(hadoop, folder / "skein", CONFIG + BY_SKEIN))
        locally = stack.enter_context(running_hub(hadoop, folder / "local", CONFIG + LOCALLY))
        (port,) = stack.enter_context(held_ports(1))
        token = hub.api("POST", "users/bob") and hub.api("POST", "users/bob/tokens")
        security = skein.Security.new_credentials()
        client = stack.enter_context(skein.Client(security=security))
        environment = bare_environment(hub, str(token["token"]), port)
        parts: dict[str, list[float]] = {HUB: [], KERNEL: []}
        starts: dict[str, tuple[int, Callable[[], tuple[float, float | None]]]] = {
            OURS: (OFTEN, lambda: measure_ours(hub, hadoop, is_our_master, parts)),
            LOCAL: (MORE_OFTEN, lambda: (measure_local(locally), None)),
            BARE: (1, lambda: measure_skein(client, environment)),
            LAUNCHER: (1, lambda: measure_ours(by_skein, hadoop, is_skeins_master, {})),
            PROCESS: (1, lambda: (measure_process([PROGRAM, *ARGUMENTS], environment), None)),
        }
        for number in range(ROUNDS + 1):
            status.update(f"Round {number} of {ROUNDS}")
            for name in order({name: often for name, (often, _) in starts.items()}, number):
                wait_for_quiet(hadoop)
                seconds, rss = starts[name][1]()
                if number:
                    times.setdefault(f"{name} s", []).append(seconds)
                    if rss is not None:
                        times.setdefault(f"{name}, application master MiB", []).append(rss)
    times |= {f"{name} s": values[1:] for name, values in parts.items()}
    return result(times)


def order(often: Mapping[str, int], number: int) -> list[str]:
    """Return what a round measures, in turn, each as `often` as given. The first round has each
    once, because it does not count."""
    turns = max(often.values()) if number else 1
    return [name for turn in range(turns) for name, count in often.items() if turn < count]


def result(times: Times) -> Result:
    """Compute the metrics from the samples."""
    samples = samples_of(times)
    bare = samples[f"{BARE} s"].median
    metrics: dict[str, Metric] = {
        "ratio": samples[f"{OURS} s"].median / bare,
        "local_ratio": samples[f"{OURS} s"].median / samples[f"{LOCAL} s"].median,
        "launcher_ratio": samples[f"{LAUNCHER} s"].median / bare,
        "server_s": samples[f"{PROCESS} s"].median,
        "hub_s": samples[f"{HUB} s"].median,
        "kernel_s": samples[f"{KERNEL} s"].median,
        "am_rss_mb": samples[f"{OURS}, application master MiB"].median,
        "skein_am_rss_mb": samples[f"{BARE}, application master MiB"].median,
    }
    return Result(tuple(samples.values()), metrics)


@contextmanager
def running_hub(hadoop: MiniHadoop, folder: Path, config: str) -> Iterator[Hub]:
    """Run a hub inside the context."""
    folder.mkdir()
    hub = Hub(folder, hadoop.env(), config)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


def measure_ours(
    hub: Hub,
    hadoop: MiniHadoop,
    is_master: Callable[[str], bool],
    parts: dict[str, list[float]],
) -> tuple[float, float]:
    """Start a server through the hub; returns its seconds, and its master's MiB.

    Adds to the samples of `parts`, by their names.
    """
    start = start_server(hub)
    rss = master_mb(is_master)
    if HUB in parts:
        application_id = hub.application_of("alice")
        parts[HUB].append(hub_seconds(hadoop, application_id, start.requested, start.ready))
    if KERNEL in parts:
        parts[KERNEL].append(measure_kernel(hub, "alice"))
    hub.stop_server("alice")
    return start.seconds, rss


def measure_local(hub: Hub) -> float:
    """Start a server with JupyterHub's local spawner; returns its seconds."""
    start = start_server(hub)
    hub.stop_server("alice")
    return start.seconds


@dataclass(frozen=True)
class Start:
    """When a server was requested and ready (`time.time`), and the seconds to its first answer."""

    requested: float
    ready: float
    seconds: float


def start_server(hub: Hub) -> Start:
    """Start the server of a user whom the hub knows."""
    hub.api("POST", "users/alice", ok=False)
    requested, began = time.time(), time.monotonic()
    hub.api("POST", "users/alice/server")
    events = hub.follow_progress("alice")
    ready = time.time()
    assert events[-1].get("ready"), events
    assert hub.get("/user/alice/api").is_success
    return Start(requested, ready, time.monotonic() - began)


def is_our_master(command: str) -> bool:
    return "container_tokens" in command and "singleuser" not in command and "bash" not in command


def is_skeins_master(command: str) -> bool:
    return "skein.ApplicationMaster" in command and "bash" not in command


def master_mb(is_master: Callable[[str], bool]) -> float:
    """Return the resident memory of the application master, found by its command line, in MiB."""
    return max(
        process.info["memory_info"].rss / 2**20
        for process in psutil.process_iter(["cmdline", "memory_info"])
        if is_master(" ".join(process.info["cmdline"] or ()))
    )


def bare_environment(hub: Hub, token: str, port: int) -> dict[str, str]:
    """Return the environment of a server that the hub does not start."""
    prefix = "/user/bob/"
    return {
        "JUPYTERHUB_API_TOKEN": token,
        "JUPYTERHUB_API_URL": f"{hub.url}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-bob",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{prefix}oauth_callback",
        "JUPYTERHUB_SERVICE_PREFIX": prefix,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}{prefix}",
        "JUPYTERHUB_USER": "bob",
        "HOME": "/tmp",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


def measure_skein(client: skein.Client, environment: dict[str, str]) -> tuple[float, float]:
    """Submit the same server with skein; returns its seconds, and its master's MiB."""
    exports = "\n".join(f"export {key}={shlex.quote(value)}" for key, value in environment.items())
    script = f"{exports}\nexec {shlex.join([PROGRAM, *ARGUMENTS])}"
    spec = skein.ApplicationSpec(
        name="bare", master=skein.Master(script=script, resources=skein.Resources("1 GiB", 1))
    )
    started = time.monotonic()
    application = client.submit(spec)
    try:
        wait_for_answer(f"{environment['JUPYTERHUB_SERVICE_URL']}api")
        seconds = time.monotonic() - started
        rss = master_mb(is_skeins_master)
    finally:
        client.kill_application(application)
    return seconds, rss


def wait_for_quiet(hadoop: MiniHadoop) -> None:
    """Wait until no process of the last application slows down the next."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while containers(hadoop.state.folder):
        if time.monotonic() > deadline:
            raise TimeoutError("the last application did not end")
        time.sleep(POLL_SECONDS)


def wait_for_answer(url: str, timeout: float = TIMEOUT_SECONDS) -> None:
    """Wait until a server answers at `url`."""
    deadline = time.monotonic() + timeout
    with httpx.Client(trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                if http.get(url).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{url} did not answer within {timeout} s")
