"""Whether a server could call the hub: tried from a container of the hub's own user, in the
environment that servers get.

The hub's port is listened on meanwhile, unless the hub itself does: it need not run.
"""

from __future__ import annotations

import errno
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from yarnhub.check.findings import Finding, Verdict
from yarnhub.check.settings import HubSettings
from yarnhub.probes import Outcome, Probe, ProbeRequest, run_probes
from yarnspawner.container.payload import PYTHON_VARIABLE

GROUP = "callback"
TIMEOUT_SECONDS = 180.0
CONNECT_SECONDS = 5.0

_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), {seconds}).close()
except OSError as error:
    sys.exit(str(error))
"""


def check_callback(settings: HubSettings) -> list[Finding]:
    """Run a container that calls the hub."""
    if not settings.python_env:
        why = "No c.YarnSpawner.python_env is set: give the hub's configuration with --config."
        return [Finding(GROUP, Verdict.SKIPPED, why)]
    host, port = settings.hub_host or socket.gethostname(), settings.hub_port
    wanted = ProbeRequest(
        settings.queue, settings.python_env, settings.env_root, settings.env_delivery == "file"
    )
    with _listening(port):
        outcome = run_probes({"": Probe(_script(host, port))}, wanted, TIMEOUT_SECONDS)[""]
    return [judge_callback(f"{host}:{port}", outcome)]


def _script(host: str, port: int) -> str:
    connect = shlex.quote(_CONNECT.format(seconds=CONNECT_SECONDS))
    return f'exec "${PYTHON_VARIABLE}" -c {connect} {shlex.quote(host)} {port}'


@contextmanager
def _listening(port: int) -> Iterator[None]:
    """Listen where the hub will, if nobody does yet."""
    try:
        with socket.create_server(("", port)):
            yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        yield  # to the hub itself


def judge_callback(address: str, outcome: Outcome) -> Finding:
    """Judge what became of the container that called the hub."""
    if outcome.ok:
        return Finding(GROUP, Verdict.OK, f"A container reaches the hub at {address}.")
    if "ended with exit code 1" not in outcome.said:
        remedy = (
            "It was the hub's own user's, who needs the same right to the queue, and the same "
            "account on the nodes, as people do. Else see the queue, and the nodes' logs."
        )
        why = f"No container got to call the hub. {outcome.why}"
        return Finding(GROUP, Verdict.FAILED, why, remedy)
    said = outcome.said.strip().splitlines()[-1].rstrip(".")
    remedy = (
        "Set c.JupyterHub.hub_connect_ip to a name of this host that the nodes know, and let them "
        "reach that port."
    )
    return Finding(
        GROUP, Verdict.FAILED, f"A container can't reach the hub at {address}: {said}.", remedy
    )
