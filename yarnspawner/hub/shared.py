"""What a hub has once for all its spawners: its `HubCluster`, and the reconciler that looks after
it.

Both begin with the hub where this process is one, else with the first spawner that needs them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from jupyterhub.app import JupyterHub
from sqlalchemy import event
from sqlalchemy.orm import Session

from yarnspawner.failures import ClusterUnavailableError
from yarnspawner.hub.cluster import HubCluster, open_hub_cluster
from yarnspawner.hub.reconciler import Reconciler
from yarnspawner.jupyterhub_types import HubSettings
from yarnspawner.profiles.config import ProfileError, parse_profiles
from yarnspawner.settings import YarnSpawnerSettings
from yarnspawner.tags import hub_tag

#: Under which the hub's settings keep the `HubCluster`, and the reconciler's task beside it.
KEY = "yarnspawner"

#: Under which they keep who makes it: everybody else waits.
OPENING = "yarnspawner-opening"
HUB_START_POLL_SECONDS = 0.5

log = logging.getLogger(__name__)


async def get_hub_cluster(
    settings: HubSettings, api_url: str, options: YarnSpawnerSettings
) -> HubCluster:
    """Return the one `HubCluster` of the hub with these settings; raises
    `ClusterUnavailableError`."""
    if KEY not in settings:
        async with settings.setdefault(OPENING, asyncio.Lock()):
            if KEY not in settings:  # who had the lock before us may have failed
                settings[KEY] = await _begin_yarn(settings, api_url, options)
    found: HubCluster = settings[KEY][0]
    return found


async def _begin_yarn(
    settings: HubSettings, api_url: str, options: YarnSpawnerSettings
) -> tuple[HubCluster, asyncio.Task[None]]:
    _log_as_the_hub(options.log)
    yarn = await open_hub_cluster(hub_tag(settings["cookie_secret"], api_url), options)
    reconciler = Reconciler(
        yarn, lambda: known_applications(settings["users"]), options.reconcile_interval
    )
    return yarn, asyncio.create_task(reconciler.run())


def opened_yarn(settings: HubSettings) -> HubCluster | None:
    """Return the `HubCluster` of the hub with these settings, None where no spawner has needed
    it."""
    return settings[KEY][0] if KEY in settings else None


def _log_as_the_hub(hub_log: Any) -> None:
    """Send what our modules log where the hub's own log goes, at its level."""
    ours = logging.getLogger("yarnspawner")
    ours.parent = hub_log
    ours.setLevel(hub_log.level)


def known_applications(users: Any) -> set[str]:
    """Return the application ids and spawn tags of all servers of `users`, the hub's UserDict.

    From its start on a hub has each server that its database says may run as a spawner in memory.
    """
    spawners = [spawner for user in users.values() for spawner in user.spawners.values()]
    known = {getattr(spawner, "application_id", "") for spawner in spawners}
    known |= {getattr(spawner, "spawn_tag", "") for spawner in spawners}
    return known - {""}


def start_with_hub(options: type[YarnSpawnerSettings]) -> None:
    """Begin to look for orphans as soon as a hub of this process has started.

    JupyterHub has no hook for its start, and makes no spawner while nobody has a server: without
    this an orphan would live on until somebody logs in. The first sign of life of a hub that other
    code can see is that it uses its database.
    """

    def on_transaction(*_: object) -> None:
        if _BEGINNING or not JupyterHub.initialized():
            return
        loop = asyncio.get_running_loop()
        _BEGINNING.append(loop.create_task(_begin(JupyterHub.instance(), options)))
        loop.call_soon(event.remove, Session, "after_begin", on_transaction)

    event.listen(Session, "after_begin", on_transaction)


#: A task that nobody refers to may vanish.
_BEGINNING: list[asyncio.Task[None]] = []


async def _begin(hub: JupyterHub, options: type[YarnSpawnerSettings]) -> None:
    while hub.http_server is None:  # noqa: ASYNC110 - JupyterHub gives no signal
        await asyncio.sleep(HUB_START_POLL_SECONDS)
    if not issubclass(hub.spawner_class, options):
        return
    spawner = hub.spawner_class(config=hub.config)
    try:
        await get_hub_cluster(hub.users.settings, hub.hub.api_url, spawner)
        if not callable(spawner.profiles):
            parse_profiles(spawner.profiles)
    except (ClusterUnavailableError, ProfileError) as error:
        hub.log.error("%s", error)  # noqa: TRY400 - the sentence says it all
