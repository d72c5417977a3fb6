"""The reporter under skein: reports the server's port to the hub.

skein's own application master is registered with YARN, and ends the container when YARN requires
it. Ours only reports the port to the hub, once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from hadoop_client.rpc.call import ConnectError
from hadoop_client.yarn.applicationmaster import FinalStatus
from yarnspawner.container.hub import HubApi
from yarnspawner.container.log import log
from yarnspawner.container.scheduler import AttemptOverError

ALREADY_REPORTED = 409


class HubReporter:
    """A `Reporter` that reports the port to the hub, and nothing else."""

    def __init__(self, path: str, environment: Mapping[str, str], key: bytes) -> None:
        self._hub = HubApi(environment, key)
        self._path = path

    def register(self, host: str, port: int, tracking_url: str) -> None:
        """Report that the server is ready. The hub learns its node from YARN."""
        try:
            status = self._hub.post(self._path, json.dumps({"port": port}).encode())
        except OSError as error:
            raise ConnectError(f"the hub does not answer: {error!r}", {}) from error
        if status >= 500:
            raise ConnectError(f"the hub cannot accept the port now (status {status})", {})
        # "Already reported" means that the response to our first try was lost: no other client has
        # the key.
        if status >= 300 and status != ALREADY_REPORTED:
            raise AttemptOverError(f"the hub rejected the server's port (status {status})")

    def heartbeat(self) -> None:
        """Do nothing: skein's application master sends the heartbeats to YARN."""

    def finish(self, status: FinalStatus, diagnostics: str) -> None:
        """Log the diagnostics: skein reports only the exit code to YARN."""
        if diagnostics:
            log(diagnostics)

    def close(self) -> None:
        """Do nothing: each report opens and closes its connection."""
