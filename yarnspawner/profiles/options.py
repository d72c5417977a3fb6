"""Connects `c.YarnSpawner.profiles` to JupyterHub's spawn form and user options."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property

from jupyterhub.utils import maybe_future
from traitlets import default

from hadoop_client.yarn.records import QueueState
from hadoop_client.yarn.reports import QueueInfo
from yarnspawner.failures import OptionsError, QueueError, SpawnError
from yarnspawner.jupyterhub_types import JsonObject, OrmSpawner, User
from yarnspawner.launch.allocation import Allocation
from yarnspawner.launcher.interface import ClusterError
from yarnspawner.profiles.config import ProfileError, parse_profiles
from yarnspawner.profiles.form import FreeCapacity, Visitor, options_of, render
from yarnspawner.profiles.model import Profiles, show_memory
from yarnspawner.profiles.offer import ClusterOffer, offered_profiles
from yarnspawner.settings import YarnSpawnerSettings

#: The spawner's option that each field of a profile sets.
TRAITS = {
    "queue": "queue",
    "memory": "mem_limit",
    "cores": "cpu_limit",
    "gpus": "gpus",
    "node_label": "node_label",
    "environment": "python_env",
    "docker_image": "docker_image",
}

#: How long the form and a start wait for the cluster's limits, and the form for the queues' free
#: capacity. After that they do without.
CLUSTER_TIMEOUT_SECONDS = 2.0

#: The form does not mention that YARN rounds up to multiples of this or less, in MiB.
FINE_STEP_MB = 256


class ProfileOptions(YarnSpawnerSettings):
    """The part of YarnSpawner that validates and applies user options by profile.

    Without profiles JupyterHub's defaults hold: no form, and options are ignored with a warning.
    """

    user: User
    orm_spawner: OrmSpawner
    accepted_options: JsonObject
    options_form: object

    #: The display name of the chosen profile.
    profile_title = ""

    async def cluster_queues(self) -> list[QueueInfo]:
        """Return the cluster's queues; raises `ClusterError` or `ClusterUnavailableError`."""
        raise NotImplementedError

    async def cluster_allocation(self) -> Allocation:
        """Return how the cluster rounds memory; raises `ClusterUnavailableError`."""
        raise NotImplementedError

    async def cluster_offer(self, profiles: Profiles) -> ClusterOffer:
        """Return what the cluster can give of what the profiles name.

        Raises `ClusterError` or `ClusterUnavailableError`.
        """
        raise NotImplementedError

    def forget_refused_options(self) -> None:
        """Restore the options of the last successful start."""
        raise NotImplementedError

    @cached_property
    def _configured(self) -> dict[str, object]:
        """The options from the configuration and the user's groups, without any profile."""
        return {trait: getattr(self, trait) for trait in TRAITS.values()}

    @cached_property
    def _configured_environment(self) -> dict[str, object]:
        return dict(self.environment)

    @default("options_form")
    def _default_options_form(self) -> Callable[[ProfileOptions], Awaitable[str]] | str:
        return type(self).profile_form if self.profiles else ""

    @default("options_from_form")
    def _default_options_from_form(self) -> Callable[..., object]:
        return self.read_profile_form if self.profiles else unchanged

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Callable[..., Awaitable[None]] | JsonObject:
        return type(self).apply_profile if self.profiles else {}

    async def _parsed_profiles(self) -> Profiles:
        """Parse the configured profiles, from the list or the function; raises `OptionsError`."""
        declared = self.profiles
        if callable(declared):
            declared = await maybe_future(declared(self))
        try:
            return parse_profiles(declared)
        except ProfileError as error:
            raise OptionsError(f"{error} Ask an administrator to correct it.") from error

    def _groups(self) -> set[str]:
        return {group.name for group in self.user.groups}

    async def _offered_profiles(self) -> Profiles:
        """Return the profiles as the cluster can give them; as configured if it does not answer.

        Raises `OptionsError`.
        """
        profiles = await self._parsed_profiles()
        problem = f"YARN or HDFS did not answer within {CLUSTER_TIMEOUT_SECONDS:g} s."
        try:
            offer = self.cluster_offer(profiles)
            return offered_profiles(
                profiles, await asyncio.wait_for(offer, CLUSTER_TIMEOUT_SECONDS)
            )
        except asyncio.TimeoutError:
            pass
        except (ClusterError, SpawnError) as error:
            problem = str(error)
        self.log.warning("The cluster's limits are not known for the profiles: %s", problem)
        return profiles

    async def profile_form(self) -> str:
        """Return the form's HTML, with the user's last choice."""
        last = self.accepted_options or self.orm_spawner.user_options or {}
        return await self._render_form(await self._offered_profiles(), last, {})

    async def refused_form(
        self, given: Mapping[str, Sequence[str]], failure: Exception | None
    ) -> str:
        """Return the form with the refused values, and why at each field.

        `failure` is the error of the start, None if there was none. Empty if this spawner shows no
        profiles, or another form.
        """
        if not self.profiles or self.options_form != type(self).profile_form:
            return ""
        try:
            options = options_of(given)
            profiles = await self._offered_profiles()
        except OptionsError:
            return ""
        errors = profiles.refused_fields(options, self.user.name, self._groups())
        if isinstance(failure, QueueError):
            errors["queue"] = failure.sentence
        return await self._render_form(profiles, options, errors)

    async def _render_form(
        self, profiles: Profiles, values: Mapping[str, object], errors: Mapping[str, str]
    ) -> str:
        capacity: dict[str, FreeCapacity] = {}
        reserved = ""
        try:
            queues = await asyncio.wait_for(self.cluster_queues(), CLUSTER_TIMEOUT_SECONDS)
            capacity = {name: free_capacity(queue) for queue in queues for name in queue.names}
            reserved = self._reserved(await self.cluster_allocation())
        except asyncio.TimeoutError:
            self.log.warning(
                "The form shows no free capacity: YARN did not answer within %g s.",
                CLUSTER_TIMEOUT_SECONDS,
            )
        except (ClusterError, SpawnError) as error:
            self.log.warning("The form shows no free capacity: %s", error)
        visitor = Visitor(self.user.name, self._groups(), values, errors)
        templates = self.user.settings["jinja2_env_sync"]
        return render(templates, profiles, visitor, capacity, reserved)

    def _reserved(self, allocation: Allocation) -> str:
        """Return a sentence on what YARN reserves for a server; empty if it hardly rounds."""
        if allocation.step_mb <= FINE_STEP_MB:
            return ""
        added = (
            "" if self.am_overhead_in_mem_limit else f"adds {show_memory(self.am_overhead)} and "
        )
        return f"YARN {added}rounds up to multiples of {show_memory(allocation.step_mb << 20)}."

    async def read_profile_form(self, given: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Parse and validate a form or a query; raises `OptionsError` before anything is stored."""
        options = options_of(given)
        (await self._offered_profiles()).choose(options, self.user.name, self._groups())
        return options

    async def apply_profile(self, options: Mapping[str, object]) -> None:
        """Set the spawner's options from the chosen profile, and reset those of an earlier start.

        Raises `OptionsError`; the options of the last successful start are then restored.
        """
        try:
            profiles = await self._offered_profiles()
            chosen = profiles.choose(options, self.user.name, self._groups())
        except OptionsError:
            self.forget_refused_options()
            raise
        for name, trait in TRAITS.items():
            setattr(self, trait, chosen.values.get(name, self._configured[trait]))
        self.profile_title = chosen.title
        self.environment = {**self._configured_environment, **chosen.env}


def free_capacity(queue: QueueInfo) -> FreeCapacity:
    """Read a queue's statistics."""
    is_open = queue.state is QueueState.RUNNING
    statistics = queue.statistics
    if statistics is None or queue.is_fair:
        return FreeCapacity(0, 0, statistics.apps_pending if statistics else 0, is_open)
    free = statistics.available_memory_mb
    total = free + statistics.allocated_memory_mb
    return FreeCapacity(free, total, statistics.apps_pending, is_open)


def unchanged(given: JsonObject) -> JsonObject:
    """Return the form unchanged. JupyterHub's "passthrough" is a value to set, not a default."""
    return given
