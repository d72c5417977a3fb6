"""How `c.YarnSpawner.profiles` meets JupyterHub: by its form, its options and what applies them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from jupyterhub.utils import maybe_future
from traitlets import default

from hadoop_client.yarn.records import QueueState
from hadoop_client.yarn.reports import QueueInfo
from yarnspawner.failures import OptionsError, SpawnError
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.profiles.config import ProfileError, parse_profiles
from yarnspawner.profiles.form import FreeCapacity, options_of, render
from yarnspawner.profiles.model import Profiles
from yarnspawner.settings import YarnSpawnerSettings

#: Which option of the spawner each field of a profile sets.
TRAITS = {
    "queue": "queue",
    "memory": "mem_limit",
    "cores": "cpu_limit",
    "gpus": "gpus",
    "node_label": "node_label",
    "environment": "python_env",
}

#: How long the form waits for the queues' free capacity; after that it is shown without.
CAPACITY_TIMEOUT_SECONDS = 2.0


class ProfileOptions(YarnSpawnerSettings):
    """The part of YarnSpawner that puts JupyterHub's options into the hands of the profiles.

    Without profiles all is as JupyterHub has it: no form, and options are ignored with a warning.
    """

    user: Any
    orm_spawner: Any
    accepted_options: dict[str, Any]

    async def cluster_queues(self) -> list[QueueInfo]:
        """Return the cluster's queues; raises `ClusterError` or `ClusterUnavailableError`."""
        raise NotImplementedError

    def forget_refused_options(self) -> None:
        """Go back to the options of the last good start."""
        raise NotImplementedError

    @cached_property
    def configured(self) -> dict[str, Any]:
        """What the configuration and the user's groups say, before any profile was chosen."""
        return {name: getattr(self, name) for name in (*TRAITS.values(), "environment")}

    @default("options_form")
    def _default_options_form(self) -> Any:
        return type(self).profile_form if self.profiles else ""

    @default("options_from_form")
    def _default_options_from_form(self) -> Any:
        return self.read_profile_form if self.profiles else unchanged

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        return type(self).apply_profile if self.profiles else {}

    async def _parsed_profiles(self) -> Profiles:
        """Return the profiles that the configuration declares, or makes for this spawner."""
        declared = self.profiles
        if callable(declared):
            declared = await maybe_future(declared(self))
        try:
            return parse_profiles(declared)
        except ProfileError as error:
            raise OptionsError(f"{error} An administrator has to correct it.") from error

    def _groups(self) -> set[str]:
        return {group.name for group in self.user.groups}

    async def profile_form(self) -> str:
        """Return the form's HTML; without the queues' free capacity if YARN does not report it."""
        profiles = await self._parsed_profiles()
        capacity: dict[str, FreeCapacity] = {}
        try:
            queues = await asyncio.wait_for(self.cluster_queues(), CAPACITY_TIMEOUT_SECONDS)
            capacity = {queue.name: free_capacity(queue) for queue in queues}
        except asyncio.TimeoutError:
            self.log.warning(
                "The form shows no free capacity: YARN did not answer within %g s.",
                CAPACITY_TIMEOUT_SECONDS,
            )
        except (ClusterError, SpawnError) as error:
            self.log.warning("The form shows no free capacity: %s", error)
        last = self.accepted_options or self.orm_spawner.user_options or {}
        templates = self.user.settings["jinja2_env_sync"]
        return render(templates, profiles, self.user.name, self._groups(), last, capacity)

    async def read_profile_form(self, given: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Read and check a form or a query: what is refused here is not even stored."""
        options = options_of(given)
        (await self._parsed_profiles()).choose(options, self.user.name, self._groups())
        return options

    async def apply_profile(self, options: Mapping[str, Any]) -> None:
        """Set the spawner to what a profile gives, and to nothing that an earlier start has set."""
        try:
            profiles = await self._parsed_profiles()
            chosen = profiles.choose(options, self.user.name, self._groups())
        except OptionsError:
            self.forget_refused_options()
            raise
        for name, trait in TRAITS.items():
            setattr(self, trait, chosen.values.get(name, self.configured[trait]))
        self.environment = {**self.configured["environment"], **chosen.env}


def free_capacity(queue: QueueInfo) -> FreeCapacity:
    """Read a queue's statistics."""
    is_open = queue.state is QueueState.RUNNING
    statistics = queue.statistics
    if statistics is None:
        return FreeCapacity(0, 0, 0, is_open)
    free = statistics.available_memory_mb
    total = free + statistics.allocated_memory_mb
    return FreeCapacity(free, total, statistics.apps_pending, is_open)


def unchanged(given: dict[str, Any]) -> dict[str, Any]:
    """Leave a form as it is: what JupyterHub calls "passthrough" may be set, but is no default."""
    return given
