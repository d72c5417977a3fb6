"""From the request for a server to its first answer, against a bare skein submit of the same one.

Both run jupyter-labhub from the same Python environment, at a path that the node has, with a hub
behind it. Ours goes through the whole of JupyterHub (request, database, progress, proxy); skein's
is its fastest use: a driver that runs already, a submit, and a script as application master. They
take turns, so that a machine that slows down slows all. The third is ours with skein as launcher.

Figures: `ratio` of the medians, ours to skein's; `launcher_ratio`, ours by skein to skein's;
`am_rss_mb`, what our application master keeps resident beside the server, and `skein_am_rss_mb`
likewise.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import skein
from rich.console import Console

from benchmarks.frame import Result, Samples
from tests.hadoop.hub import Hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import held_ports
from yarnhub.minihadoop.processes import containers

ROUNDS = 7
POLL_SECONDS = 0.02
TIMEOUT_SECONDS = 120
CONFIG = """
c.YarnSpawner.cmd = ["jupyter-labhub"]
c.YarnSpawner.args = ["--allow-root"]
c.YarnSpawner.mem_limit = "1G"
"""
BY_SKEIN = 'c.YarnSpawner.launcher = "skein"\n'

OURS = "yarnhub: request to ready, through the hub"
BARE = "skein: submit to first answer"
LAUNCHER = "yarnhub by skein: request to ready, through the hub"


def run(console: Console) -> Result:
    """Measure all, in turn; the first round of each warms up and is not counted."""
    times: dict[str, list[float]] = {}
    with console.status("Starting an embedded Hadoop and two hubs") as status, ExitStack() as stack:
        hadoop = stack.enter_context(MiniHadoop(progress=status.update))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ.update(hadoop.env())
        hub = stack.enter_context(running_hub(hadoop, folder / "direct", CONFIG))
        by_skein = stack.enter_context(running_hub(hadoop, folder / "skein", CONFIG + BY_SKEIN))
        (port,) = stack.enter_context(held_ports(1))
        token = hub.api("POST", "users/bob") and hub.api("POST", "users/bob/tokens")
        security = skein.Security.new_credentials()
        client = stack.enter_context(skein.Client(security=security))
        starts: dict[str, Callable[[], tuple[float, float]]] = {
            OURS: lambda: measure_ours(hub, is_our_master),
            BARE: lambda: measure_skein(client, hub, str(token["token"]), port),
            LAUNCHER: lambda: measure_ours(by_skein, is_skeins_master),
        }
        for number in range(ROUNDS + 1):
            status.update(f"Round {number} of {ROUNDS}")
            for name, measure in starts.items():
                wait_for_quiet(hadoop)
                seconds, rss = measure()
                if number:
                    times.setdefault(f"{name} s", []).append(seconds)
                    times.setdefault(f"{name}, application master MiB", []).append(rss)
    return told(times)


def told(times: dict[str, list[float]]) -> Result:
    """Return the samples and the figures that are claimed from them."""
    samples = {
        name: Samples(name.rpartition(" ")[0], name.rpartition(" ")[2], tuple(found))
        for name, found in times.items()
    }
    bare = samples[f"{BARE} s"].median
    return Result(
        tuple(samples.values()),
        {
            "ratio": samples[f"{OURS} s"].median / bare,
            "launcher_ratio": samples[f"{LAUNCHER} s"].median / bare,
            "am_rss_mb": samples[f"{OURS}, application master MiB"].median,
            "skein_am_rss_mb": samples[f"{BARE}, application master MiB"].median,
        },
    )


@contextmanager
def running_hub(hadoop: MiniHadoop, folder: Path, config: str) -> Iterator[Hub]:
    """Run a hub inside of the context."""
    folder.mkdir()
    hub = Hub(folder, hadoop.env(), config)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


def measure_ours(hub: Hub, is_master: Callable[[str], bool]) -> tuple[float, float]:
    """Start a server through the hub; returns seconds until it is ready, and the master's MB."""
    started = time.monotonic()
    hub.start_server("alice")
    assert hub.get("/user/alice/api").is_success
    seconds = time.monotonic() - started
    rss = master_mb(is_master)
    hub.stop_server("alice")
    return seconds, rss


def is_our_master(command: str) -> bool:
    return "container_tokens" in command and "singleuser" not in command and "bash" not in command


def is_skeins_master(command: str) -> bool:
    return "skein.ApplicationMaster" in command and "bash" not in command


def master_mb(is_master: Callable[[str], bool]) -> float:
    """Return the resident memory of the application master, whose command line is known."""
    return max(resident_mb(process) for process, command in processes() if is_master(command))


def measure_skein(client: skein.Client, hub: Hub, token: str, port: int) -> tuple[float, float]:
    """Submit the same server by skein; returns seconds until it answers, and the master's MB."""
    prefix = "/user/bob/"
    environment = {
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
    exports = "\n".join(f"export {key}={shlex.quote(value)}" for key, value in environment.items())
    script = f"{exports}\nexec jupyter-labhub --allow-root"
    spec = skein.ApplicationSpec(
        name="bare", master=skein.Master(script=script, resources=skein.Resources("1 GiB", 1))
    )
    started = time.monotonic()
    application = client.submit(spec)
    try:
        wait_for_answer(f"http://127.0.0.1:{port}{prefix}api")
        seconds = time.monotonic() - started
        rss = master_mb(is_skeins_master)
    finally:
        client.kill_application(application)
    return seconds, rss


def wait_for_quiet(hadoop: MiniHadoop) -> None:
    """Wait until no process of the last application is left, so that it slows down nobody."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while containers(hadoop.state.folder):
        if time.monotonic() > deadline:
            raise TimeoutError("the last application does not end")
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


def processes() -> Iterator[tuple[Path, str]]:
    """Yield each process of this machine with its command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield folder, (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it has just ended


def resident_mb(process: Path) -> float:
    """Return a process's resident memory in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
    return int(found[1]) / 1024 if found else 0.0
