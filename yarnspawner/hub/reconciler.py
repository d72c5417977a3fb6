"""Ends what belongs to nothing: applications with this hub's tag that no server of it knows.

Such an orphan is left where a hub dies while it waits for YARN to end an application, or where its
database is lost. Every server's application is known before it exists, so what YARN lists and the
hub does not know afterwards is nobody's. What carries another hub's tag is never listed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.metrics import ORPHANS
from yarnspawner.tags import spawn_tags

REASON = "JupyterHub knows no server that this application belongs to."

log = logging.getLogger(__name__)


class Reconciler:
    """Looks at all applications of a hub, at once and then every `interval` seconds.

    `known` returns the application ids and spawn tags of all servers that the hub has.
    """

    def __init__(self, yarn: HubCluster, known: Callable[[], set[str]], interval: float) -> None:
        self._yarn = yarn
        self._known = known
        self._interval = interval

    async def run(self) -> None:
        """Go on until cancelled; a ResourceManager that is away is asked again the next time."""
        while True:
            try:
                await self.reconcile()
            except ClusterError as error:
                log.warning("Could not look for applications without a server: %s", error)
            except Exception:
                log.exception("Could not look for applications without a server")
            await asyncio.sleep(self._interval)

    async def reconcile(self) -> list[str]:
        """End all orphans that there are now; returns their ids."""
        reports = await self._yarn.board.applications(max_age=0.0)
        # Only now: what is known after YARN has answered includes all that YARN could know.
        known = self._known()
        strangers = (
            reports[application_id] for application_id in reports if application_id not in known
        )
        orphans = [
            report for report in strangers if not known.intersection(spawn_tags(report.tags))
        ]
        for report in orphans:
            self._end(report)
        return [str(report.application_id) for report in orphans]

    def _end(self, report: ApplicationReport) -> None:
        application_id = str(report.application_id)
        if self._yarn.is_ending(application_id):
            return
        log.warning("%s of %s belongs to no server: ending it", application_id, report.user)
        ORPHANS.inc()
        self._yarn.end(report.user, application_id, REASON)
