"""Checks that servers can call the hub, from a container in the servers' environment.

The container runs as the hub's own user. The hub does not need to run: the check listens on the
hub's port if the hub does not.
"""

from __future__ import annotations

import errno
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.settings import HubSettings
from yarnspawner.container.payload import PYTHON_VARIABLE

if TYPE_CHECKING:
    from yarnhub.probes import ProbeOutcome

GROUP = "callback"
NO_PYTHON_ENV = "No c.YarnSpawner.python_env is set: give the hub's configuration with --config."
TIMEOUT_SECONDS = 180.0
CONNECT_SECONDS = 5.0

_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), {seconds}).close()
except OSError as error:
    sys.exit(str(error))
"""


def check_callback(settings: HubSettings) -> list[CheckResult]:
    """Run a container that calls the hub."""
    if not settings.python_env:
        return [CheckResult(GROUP, Verdict.SKIPPED, NO_PYTHON_ENV)]
    from yarnhub.probes import Probe, ProbeRequest, run_probes  # It imports JupyterHub.

    host, port = settings.hub_host or socket.gethostname(), settings.hub_port
    request = ProbeRequest(
        settings.queue, settings.python_env, settings.env_root, settings.env_delivery == "file"
    )
    with _listening(port):
        outcome = run_probes({"": Probe(_script(host, port))}, request, TIMEOUT_SECONDS)[""]
    return [judge_callback(f"{host}:{port}", outcome)]


def _script(host: str, port: int) -> str:
    connect = shlex.quote(_CONNECT.format(seconds=CONNECT_SECONDS))
    return f'exec "${PYTHON_VARIABLE}" -c {connect} {shlex.quote(host)} {port}'


@contextmanager
def _listening(port: int) -> Iterator[None]:
    """Listen on the hub's port, unless the hub does."""
    try:
        with socket.create_server(("", port)):
            yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        yield  # The container calls the hub itself.


def judge_callback(address: str, outcome: ProbeOutcome) -> CheckResult:
    """Judge the outcome of the container that called the hub."""
    if outcome.ok:
        return CheckResult(GROUP, Verdict.OK, f"A container reaches the hub at {address}.")
    if "ended with exit code 1" not in outcome.diagnostics:
        remedy = (
            "The container ran as the hub's own user, who needs the users' right to submit to the "
            "queue and an account on the nodes. If it has both, see the queue and the nodes' logs."
        )
        why = f"No container ran to call the hub. {outcome.why}"
        return CheckResult(GROUP, Verdict.FAILED, why, remedy)
    reason = outcome.diagnostics.strip().splitlines()[-1].rstrip(".")
    remedy = (
        "Set c.JupyterHub.hub_connect_ip to a name of this host that the nodes resolve, and open "
        "that port to them."
    )
    why = f"A container cannot reach the hub at {address}: {reason}."
    return CheckResult(GROUP, Verdict.FAILED, why, remedy)
