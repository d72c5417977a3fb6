"""Ends orphans: applications with this hub's tag that belong to none of its servers.

A hub leaves an orphan if it is killed while it waits for YARN to end an application, or if it loses
its database. The hub stores every application before the submit. So an application that YARN lists,
and that the hub does not know afterwards, is an orphan. Applications of other hubs are not listed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hadoop_client.printable import printable
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.submission import Submission
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.metrics import ORPHANS

REASON = "JupyterHub knows no server that this application belongs to."

log = logging.getLogger(__name__)


class Reconciler:
    """Looks at all applications of a hub, first immediately and then every `interval` seconds.

    `known` returns the submissions of all servers that the hub has.
    """

    def __init__(
        self, yarn: HubCluster, known: Callable[[], set[Submission]], interval: float
    ) -> None:
        self._yarn = yarn
        self._known = known
        self._interval = interval

    async def run(self) -> None:
        """Run until cancelled. If the ResourceManager does not answer, try again the next time."""
        while True:
            try:
                await self.reconcile()
            except ClusterError as error:
                log.warning("Could not look for applications without a server: %s", error)
            except Exception:
                log.exception("Could not look for applications without a server")
            await asyncio.sleep(self._interval)

    async def reconcile(self) -> list[str]:
        """End all current orphans; returns their ids."""
        reports = await self._yarn.board.applications(max_age=0.0)
        # After YARN's answer: a server that was submitted before it is known by now.
        by_tag = {submission.tag: submission for submission in self._known()}
        orphans = [
            report
            for report in reports.values()
            if not any(_belongs(report, by_tag[tag]) for tag in by_tag.keys() & set(report.tags))
        ]
        for report in orphans:
            self._end(report)
        return [str(report.application_id) for report in orphans]

    def _end(self, report: ApplicationReport) -> None:
        application_id = str(report.application_id)
        if self._yarn.is_ending(application_id):
            return
        owner = printable(report.user)
        log.warning("%s of %s belongs to no server: ending it", application_id, owner)
        ORPHANS.inc()
        submission = Submission(application_id, self._yarn.tag, report.user, report.user)
        self._yarn.end(submission, REASON)


def _belongs(report: ApplicationReport, submission: Submission) -> bool:
    """Return whether a report is about a known server: by its id or, if the hub does not know that
    yet, by its user. A copied tag alone keeps no other application alive."""
    if submission.application_id:
        return submission.application_id == str(report.application_id)
    return submission.matches(report)
