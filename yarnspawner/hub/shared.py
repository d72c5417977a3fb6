"""The `HubCluster` and the reconciler, which all spawners of a hub share.

Both start with the hub if it runs in this process, and otherwise with the first spawner that needs
them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from jupyterhub.app import JupyterHub
from sqlalchemy import event
from sqlalchemy.orm import Session

from yarnspawner.failures import ClusterUnavailableError
from yarnspawner.hub.cluster import HubCluster, open_hub_cluster
from yarnspawner.hub.reconciler import Reconciler
from yarnspawner.hub.submission import Submission
from yarnspawner.jupyterhub_types import HubSettings, User
from yarnspawner.profiles.config import ProfileError, parse_profiles
from yarnspawner.settings import YarnSpawnerSettings
from yarnspawner.tags import hub_tag

#: The key in the hub's settings of the `HubCluster` and the reconciler's task.
KEY = "yarnspawner"

#: The key of the lock that the spawner holds that opens the cluster.
OPENING = "yarnspawner-opening"
HUB_START_POLL_SECONDS = 0.5

log = logging.getLogger(__name__)


async def get_hub_cluster(
    settings: HubSettings, api_url: str, options: YarnSpawnerSettings
) -> HubCluster:
    """Return the `HubCluster` of the hub with these settings, and open it if it is not open yet.

    Raises `ClusterUnavailableError`.
    """
    if KEY not in settings:
        async with settings.setdefault(OPENING, asyncio.Lock()):
            if KEY not in settings:  # an earlier holder of the lock may have opened it
                settings[KEY] = await _open(settings, api_url, options)
    cluster: HubCluster = settings[KEY][0]
    return cluster


async def _open(
    settings: HubSettings, api_url: str, options: YarnSpawnerSettings
) -> tuple[HubCluster, asyncio.Task[None]]:
    _log_as_the_hub(options.log)
    yarn = await open_hub_cluster(hub_tag(settings["cookie_secret"], api_url), options)
    reconciler = Reconciler(
        yarn, lambda: known_submissions(settings["users"]), options.reconcile_interval
    )
    return yarn, asyncio.create_task(reconciler.run())


def opened_yarn(settings: HubSettings) -> HubCluster | None:
    """Return the `HubCluster` of the hub with these settings, or None if it is not open."""
    return settings[KEY][0] if KEY in settings else None


def _log_as_the_hub(hub_log: logging.Logger) -> None:
    """Pass the log of our modules on to the hub's, at its level."""
    ours = logging.getLogger("yarnspawner")
    ours.parent = hub_log
    ours.setLevel(hub_log.level)


def known_submissions(users: Mapping[int, User]) -> set[Submission]:
    """Return the submissions of all servers of `users`, the hub's UserDict.

    A hub makes a spawner at its start for each server that may run according to its database.
    """
    spawners = (spawner for user in users.values() for spawner in user.spawners.values())
    submissions = (getattr(spawner, "submission", None) for spawner in spawners)
    return {known for known in submissions if isinstance(known, Submission) and known.tag}


def start_with_hub(options: type[YarnSpawnerSettings]) -> None:
    """Open the cluster and start the reconciler as soon as a hub has started in this process.

    Otherwise orphans would run until the first user logs in, because JupyterHub makes no spawner
    before. JupyterHub has no hook for its start. Its first database transaction is the first event
    of a start that other code can see.
    """

    def on_transaction(*_: object) -> None:
        if _START_TASKS or not JupyterHub.initialized():
            return
        loop = asyncio.get_running_loop()
        _START_TASKS.append(loop.create_task(_open_after_start(JupyterHub.instance(), options)))
        loop.call_soon(event.remove, Session, "after_begin", on_transaction)

    event.listen(Session, "after_begin", on_transaction)


#: Keeps a reference to the task: the event loop has only a weak one.
_START_TASKS: list[asyncio.Task[None]] = []


async def _open_after_start(hub: JupyterHub, options: type[YarnSpawnerSettings]) -> None:
    while hub.http_server is None:  # noqa: ASYNC110 - JupyterHub sets no event
        await asyncio.sleep(HUB_START_POLL_SECONDS)
    if not issubclass(hub.spawner_class, options):
        return
    spawner = hub.spawner_class(config=hub.config)
    try:
        await get_hub_cluster(hub.users.settings, hub.hub.api_url, spawner)
        if not callable(spawner.profiles):
            parse_profiles(spawner.profiles)
    except (ClusterUnavailableError, ProfileError) as error:
        hub.log.error("%s", error)  # noqa: TRY400 - the sentence has the cause
