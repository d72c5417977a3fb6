"""The cluster that all spawners of a hub share, with one launcher and one cache of states."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from hadoop_client.configuration import HDFS_VARIABLE, Configuration, ConfigurationError
from hadoop_client.security import kerberos
from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.failures import ClusterUnavailableError
from yarnspawner.hub.homes import Homes
from yarnspawner.hub.lifetime import Extensions
from yarnspawner.hub.offers import Offers
from yarnspawner.hub.queue_views import QueueViews
from yarnspawner.hub.status import Liveness, StatusCache
from yarnspawner.hub.submission import Submission
from yarnspawner.launch.client_configuration import client_files
from yarnspawner.launch.limits import SubmissionLimits
from yarnspawner.launcher.delegation_tokens import Tokens
from yarnspawner.launcher.direct import DirectLauncher
from yarnspawner.launcher.interface import ClusterError, Container, Launcher
from yarnspawner.metrics import SNAPSHOT_AGE_SECONDS
from yarnspawner.settings import YarnSpawnerSettings

#: The pause between two attempts to end an application grows from the first to the second.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 30.0

#: How many containers are remembered.
MOST_CONTAINERS = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubCluster:
    """A hub's cluster, opened once per hub by `yarnspawner.hub.shared`.

    `tag` marks all applications of this hub. `homes` is None if the cluster has no HDFS, and
    `tokens` is None without Kerberos. `client_files` is the Hadoop configuration for servers on
    nodes that have none for users.
    """

    launcher: Launcher
    board: StatusCache
    tag: str
    hub_user: str
    configuration: Configuration
    homes: Homes | None
    tokens: Tokens | None = None
    limits: SubmissionLimits = field(default_factory=SubmissionLimits)
    client_files: Mapping[str, bytes] = field(default_factory=dict)
    _ending: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    queue_views: QueueViews = field(default_factory=QueueViews)
    offers: Offers = field(default_factory=Offers)
    extensions: Extensions = field(default_factory=Extensions)
    _containers: dict[str, Container] = field(default_factory=dict)

    def end(self, submission: Submission, reason: str) -> asyncio.Task[None]:
        """End an application, however long YARN is away; the task is done when it has ended.

        An application that has its id, and is not the one that was submitted, is left alone.
        """
        application_id = submission.application_id
        if application_id not in self._ending:
            task = asyncio.create_task(self._kill_until_ended(submission, reason))
            self._ending[application_id] = task
            task.add_done_callback(lambda _: self._ending.pop(application_id))
        return self._ending[application_id]

    def is_ending(self, application_id: str) -> bool:
        """Return whether an application is being ended."""
        return application_id in self._ending

    async def container(self, report: ApplicationReport) -> Container | None:
        """Return the container of a running server, which stays the same; raises `ClusterError`."""
        application_id = str(report.application_id)
        if application_id not in self._containers:
            container = await self.launcher.container(report)
            if container is None or report.state is not ApplicationState.RUNNING:
                return container
            if len(self._containers) >= MOST_CONTAINERS:
                self._containers.clear()
            self._containers[application_id] = container
        return self._containers[application_id]

    async def _kill_until_ended(self, submission: Submission, reason: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            # The short list of starting applications, because this one is ending soon.
            status = await self.board.starting_status(submission, max_age=0.0)
            if status.life in (Liveness.ENDED, Liveness.FOREIGN):
                return
            if status.life is Liveness.ALIVE:
                try:
                    await self.launcher.kill(submission.user, submission.application_id, reason)
                except ClusterError as error:
                    log.warning("Ending %s: %s", submission.application_id, error)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)


async def open_hub_cluster(tag: str, options: YarnSpawnerSettings) -> HubCluster:
    """Open the cluster of HADOOP_CONF_DIR as HADOOP_USER_NAME or as the Kerberos user.

    Raises `ClusterUnavailableError`.
    """
    principal, keytab = options.principal, options.keytab
    if options.hdfs:
        os.environ[HDFS_VARIABLE] = options.hdfs  # for all parts of the hub, as HADOOP_CONF_DIR is
    try:
        configuration = Configuration.load()
        if configuration.kerberos and keytab:
            kerberos.use_keytab(keytab, principal)
        hub_user = await asyncio.to_thread(kerberos.own_user, configuration)  # contacts the KDC
        tokens = None
        if configuration.kerberos:
            tokens = Tokens(configuration, hub_user, options.filesystems)
        limits = SubmissionLimits.of(configuration)
        files = client_files()
        homes = Homes(configuration, hub_user) if _has_hdfs(configuration) else None
        launcher: Launcher
        if options.launcher == "skein":
            # skein is optional, so only hubs that use it import it.
            from yarnspawner.launcher.skein import SkeinLauncher

            launcher = SkeinLauncher(principal, keytab)
        else:
            launcher = DirectLauncher(configuration, hub_user, tokens)
    except ImportError as error:
        raise ClusterUnavailableError(
            "c.YarnSpawner.launcher is 'skein', but skein is not installed. Ask an administrator "
            "to install yarnhub[skein] in JupyterHub's environment."
        ) from error
    except ConfigurationError as error:
        raise ClusterUnavailableError(
            f"JupyterHub cannot use its Hadoop configuration: {error} Ask an administrator to fix "
            "it."
        ) from error
    board = StatusCache(launcher, tag)
    SNAPSHOT_AGE_SECONDS.set_function(lambda: board.age)
    return HubCluster(launcher, board, tag, hub_user, configuration, homes, tokens, limits, files)


def _has_hdfs(configuration: Configuration) -> bool:
    try:
        return bool(configuration.hdfs)
    except ConfigurationError:
        # Other file systems are no error, because a server may need no HDFS.
        if HDFS_VARIABLE in os.environ or "hdfs:" in configuration.default_filesystem:
            raise
        return False
