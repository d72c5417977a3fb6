"""The hub, as an application master sees it whose YARN side is skein's.

skein's own application master is registered with YARN, and ends the container when YARN says so.
Left to ours is to tell the hub the port, once: what it does not know is asked of nobody else.
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
    """Tells the port to the hub, and is a `Reporter` to our application master otherwise."""

    def __init__(self, path: str, environment: Mapping[str, str]) -> None:
        self._hub = HubApi(environment)
        self._path = path

    def register(self, host: str, port: int, tracking_url: str) -> None:
        """Say that the server is ready. Where it runs, the hub asks YARN."""
        try:
            status, _ = self._hub.call("POST", self._path, json.dumps({"port": port}))
        except OSError as error:
            raise ConnectError(f"the hub does not answer: {error!r}", {}) from error
        if status >= 500:
            raise ConnectError(f"the hub can't take the port now (status {status})", {})
        # An answer that got lost, not another's report: only we have the token.
        if status >= 300 and status != ALREADY_REPORTED:
            raise AttemptOverError(f"the hub does not want the server's port (status {status})")

    def heartbeat(self) -> None:
        """Do nothing: skein's application master stays alive to YARN."""

    def finish(self, status: FinalStatus, diagnostics: str) -> None:
        """Leave the server's last words in the log: skein tells YARN the exit code only."""
        if diagnostics:
            log(diagnostics)

    def close(self) -> None:
        """Do nothing: each report has a connection of its own."""
