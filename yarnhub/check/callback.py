"""Checks that servers can call the hub, from a container in the servers' environment.

The container runs as the hub's own user. The hub does not need to run: the check listens at the
hub's address if the hub does not.
"""

from __future__ import annotations

import errno
import shlex
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from yarnhub.check.hub_address import hub_address
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.settings import HubSettings
from yarnspawner.container.hub import parse_api_url
from yarnspawner.container.payload import PYTHON_VARIABLE

if TYPE_CHECKING:
    from yarnhub.probes import ProbeOutcome

GROUP = "callback"
REMEDY = (
    "Set c.JupyterHub.hub_ip to an address of this host, and hub_connect_ip to its name that the "
    "nodes resolve, or set hub_connect_url. Open the port to the nodes."
)
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
    if not settings.python_env or settings.config is None:
        return [CheckResult(GROUP, Verdict.SKIPPED, settings.missing_environment)]
    from yarnhub.probes import Probe, ProbeRequest, run_probes  # It imports JupyterHub.

    try:
        address = hub_address(settings.config)
        url = parse_api_url(address.api_url)
        listener = _listen(address.listen)
    except ImportError as error:
        why = f"The hub's address is not known, because JupyterHub could not be imported: {error}."
        remedy = "Run the check in JupyterHub's environment."
        return [CheckResult(GROUP, Verdict.SKIPPED, why, remedy)]
    except ValueError as error:
        why = f"Servers cannot call the hub: {error}."
        return [CheckResult(GROUP, Verdict.FAILED, why, REMEDY)]
    request = ProbeRequest(
        settings.queue, settings.python_env, settings.env_root, settings.env_delivery == "file"
    )
    probe = Probe(_script(url.host, url.port))
    with listener:
        outcome = run_probes({"": probe}, request, TIMEOUT_SECONDS)[""]
    return [judge_callback(_shown(url.host, url.port), outcome)]


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _script(host: str, port: int) -> str:
    connect = shlex.quote(_CONNECT.format(seconds=CONNECT_SECONDS))
    return f'exec "${PYTHON_VARIABLE}" -c {connect} {shlex.quote(host)} {port}'


def _listen(address: tuple[str, int] | None) -> AbstractContextManager[object]:
    """Listen at the hub's address, unless the hub does; raises ValueError if it is not possible."""
    if address is None:
        return nullcontext()
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        return socket.create_server(address, family=family)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ValueError(f"it cannot listen at {_shown(*address)}, {error.strerror}") from error
        return nullcontext()  # The container calls the hub itself.


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
    why = f"A container cannot reach the hub at {address}: {reason}."
    return CheckResult(GROUP, Verdict.FAILED, why, REMEDY)
