"""The cluster as all spawners of one hub share it: one client, one snapshot of all servers."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
from dataclasses import dataclass, field

from yarnspawner.cluster import Cluster, ClusterError, Life, StatusBoard
from yarnspawner.direct import DirectCluster
from yarnspawner.failures import ClusterUnavailable
from yarnspawner.hadoop.configuration import Configuration, ConfigurationError
from yarnspawner.hadoop.rpc import Address

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Yarn:
    """What the hub's environment says of the cluster, and the connection to it."""

    cluster: Cluster
    board: StatusBoard
    hub_user: str
    schedulers: list[Address]
    default_filesystem: str
    _ending: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, hub_tag: str) -> Yarn:
        """Read HADOOP_CONF_DIR and HADOOP_USER_NAME; raises `ClusterUnavailable`."""
        hub_user = os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
        try:
            configuration = Configuration.load()
            cluster = DirectCluster(configuration.resourcemanager_addresses(), hub_user)
            return cls(
                cluster,
                StatusBoard(cluster, hub_tag),
                hub_user,
                configuration.scheduler_addresses(),
                configuration.default_filesystem,
            )
        except ConfigurationError as error:
            raise ClusterUnavailable(
                f"JupyterHub can't use its Hadoop configuration: {error} An administrator has to "
                "mend that."
            ) from error

    def end(self, user: str, application_id: str, reason: str) -> asyncio.Task[None]:
        """End an application, however long YARN is away; the task is done when it has ended."""
        if application_id not in self._ending:
            task = asyncio.create_task(self._kill_until_ended(user, application_id, reason))
            self._ending[application_id] = task
            task.add_done_callback(lambda _: self._ending.pop(application_id))
        return self._ending[application_id]

    async def _kill_until_ended(self, user: str, application_id: str, reason: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self.cluster.kill(user, application_id, reason)
            except ClusterError as error:
                log.warning("Ending %s: %s", application_id, error)
            if (await self.board.status(application_id, max_age=0.0)).life is Life.ENDED:
                return
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)
