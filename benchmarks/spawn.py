"""From the request for a server to its first answer, against a bare skein submit of the same one.

Both run jupyter-labhub from the same Python environment, at a path that the node has, with a hub
behind it. Ours goes through the whole of JupyterHub (request, database, progress, proxy); skein's
is its fastest use: a driver that runs already, a submit, and a script as application master. They
take turns, so that a machine that slows down slows both.

Figures: `ratio` of the medians, ours to skein's; `am_rss_mb`, what our application master keeps
resident beside the server, and `skein_am_rss_mb` likewise.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import skein
from rich.console import Console

from benchmarks.frame import Result, Samples
from tests.hadoop.hub import Hub
from yarnhub.demo.hub import free_ports
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.processes import containers

ROUNDS = 7
POLL_SECONDS = 0.02
TIMEOUT_SECONDS = 120
CONFIG = """
c.YarnSpawner.cmd = ["jupyter-labhub"]
c.YarnSpawner.args = ["--allow-root"]
c.YarnSpawner.mem_limit = "1G"
"""


def run(console: Console) -> Result:
    """Measure both, in turn; the first round of each warms up and is not counted."""
    ours: list[float] = []
    skeins: list[float] = []
    our_rss: list[float] = []
    skein_rss: list[float] = []
    with console.status("Starting an embedded Hadoop and a hub") as status:
        hadoop = MiniHadoop(progress=status.update)
        with hadoop, tempfile.TemporaryDirectory() as folder:
            os.environ.update(hadoop.env())
            hub = Hub(Path(folder), hadoop.env(), CONFIG)
            hub.start()
            try:
                token = hub.api("POST", "users/bob") and hub.api("POST", "users/bob/tokens")
                security = skein.Security.new_credentials()
                with skein.Client(security=security) as client:
                    for number in range(ROUNDS + 1):
                        status.update(f"Round {number} of {ROUNDS}")
                        wait_for_quiet(hadoop)
                        seconds, rss = measure_ours(hub)
                        wait_for_quiet(hadoop)
                        skein_seconds, skein_mb = measure_skein(client, hub, str(token["token"]))
                        if number:
                            ours.append(seconds)
                            our_rss.append(rss)
                            skeins.append(skein_seconds)
                            skein_rss.append(skein_mb)
            finally:
                hub.stop()
    samples = (
        Samples("yarnhub: request to ready, through the hub", "s", tuple(ours)),
        Samples("skein: submit to first answer", "s", tuple(skeins)),
        Samples("yarnhub: application master resident", "MiB", tuple(our_rss)),
        Samples("skein: application master resident", "MiB", tuple(skein_rss)),
    )
    return Result(
        samples,
        {
            "ratio": samples[0].median / samples[1].median,
            "am_rss_mb": samples[2].median,
            "skein_am_rss_mb": samples[3].median,
        },
    )


def measure_ours(hub: Hub) -> tuple[float, float]:
    """Start a server through the hub; returns seconds until it is ready, and the master's MB."""
    started = time.monotonic()
    hub.start_server("alice")
    assert hub.get("/user/alice/api").is_success
    seconds = time.monotonic() - started
    rss = max(
        resident_mb(process)
        for process, command in processes()
        if "container_tokens" in command and "singleuser" not in command and "bash" not in command
    )
    hub.stop_server("alice")
    return seconds, rss


def measure_skein(client: skein.Client, hub: Hub, token: str) -> tuple[float, float]:
    """Submit the same server by skein; returns seconds until it answers, and the master's MB."""
    (port,) = free_ports(1)
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
        rss = max(
            resident_mb(process)
            for process, command in processes()
            if "skein.ApplicationMaster" in command and "bash" not in command
        )
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
