"""Whether a server of each profile can start on this cluster.

A profile that can never start is a failure. A choice with which no server starts is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hadoop_client.configuration import site_directory
from hadoop_client.yarn.resourcemanager import (
    GET_CLUSTER_NODE_LABELS,
    GET_NEW_APPLICATION,
    GetClusterNodeLabelsRequest,
    GetNewApplicationRequest,
)
from yarnhub.check.edge_node import EdgeNode, known_queues
from yarnhub.check.environments import environment_faults
from yarnhub.check.placement import may_choose_queue
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.verdicts import Queue, queue_fault
from yarnspawner.launch.queues import queue_of

if TYPE_CHECKING:
    from yarnhub.check.settings import HubSettings
    from yarnspawner.profiles.model import Profile
    from yarnspawner.profiles.offer import ClusterOffer

GROUP = "profiles"

#: The options that hold if a profile leaves a field out, by field. The checks of queues and
#: environments judge those of the other fields.
OPTIONS = {
    "memory": "c.YarnSpawner.mem_limit",
    "cores": "c.YarnSpawner.cpu_limit",
    "gpus": "c.YarnSpawner.gpus",
    "node_label": "c.YarnSpawner.node_label",
}


@dataclass(frozen=True)
class ServerChoice:
    """A profile with the values of the fields that it leaves out, which are `inherited`."""

    profile: Profile
    inherited: frozenset[str]

    def option(self, name: str) -> str:
        """Return where the value of a field is set."""
        return OPTIONS[name] if name in self.inherited else name

    def values(self, name: str) -> list[str]:
        """Return the names that a field may have; none if it is left out, or empty."""
        fixed = self.profile.fixed.get(name)
        return [str(fixed)] if fixed else sorted(self.profile.names(name))


@dataclass(frozen=True)
class ClusterFacts:
    """What the profiles are held to.

    `environment_faults` say why no server can start in an environment. `yarn_may_choose`: placement
    rules may lead servers to another queue, so that the named one need not work.
    """

    offer: ClusterOffer
    queues: Sequence[Queue]
    environment_faults: Mapping[str, str] = field(default_factory=dict)
    yarn_may_choose: bool = False


@dataclass(frozen=True)
class Problem:
    """What is wrong with a value of a profile. `can_start`: the profile has other values."""

    why: str
    remedy: str
    can_start: bool = False


def check_profiles(edge: EdgeNode) -> list[CheckResult]:
    """Check all profiles, or the size of servers if there are none."""
    from env_packaging.errors import StorageError
    from yarnspawner.profiles.config import ProfileError, parse_profiles

    declared = edge.settings.profiles
    if callable(declared):
        why = "c.YarnSpawner.profiles is a function, whose profiles this check does not know."
        return [CheckResult(GROUP, Verdict.SKIPPED, why)]
    try:
        profiles = parse_profiles(declared or [{"name": "default"}])
    except ProfileError as error:
        return [CheckResult(GROUP, Verdict.FAILED, str(error), "Correct it.")]
    faults, results = {}, []
    try:
        faults = environment_faults(edge, profiles.names("environment"))
    except (StorageError, ImportError) as error:
        why = f"The environments of the profiles were not checked: {str(error).rstrip('.')}."
        results = [CheckResult(GROUP, Verdict.SKIPPED, why)]
    choices = [as_started(profile, edge.settings) for profile in profiles.all]
    facts = _facts(edge, faults)
    return [*results, *judge_profiles(choices, facts, edge.user, declared=bool(declared))]


def as_started(profile: Profile, settings: HubSettings) -> ServerChoice:
    """Return the profile with the configured values of the fields that it leaves out."""
    from yarnspawner.launch.spec import container_vcores
    from yarnspawner.profiles.model import parse_memory

    configured: dict[str, str | int] = {
        "memory": parse_memory(settings.mem_limit) or 0,
        "cores": container_vcores(settings.cpu_limit),
        "gpus": settings.gpus,
        "node_label": settings.node_label,
    }
    inherited = frozenset(configured) - profile.fields.keys() - profile.fixed.keys()
    values = {name: configured[name] for name in inherited}
    return ServerChoice(replace(profile, fixed={**profile.fixed, **values}), inherited)


def _facts(edge: EdgeNode, faults: Mapping[str, str]) -> ClusterFacts:
    from yarnspawner.profiles.model import parse_memory
    from yarnspawner.profiles.offer import ClusterOffer, largest_server

    settings = edge.settings
    with edge.resourcemanager() as client:
        maximum = client.call(GET_NEW_APPLICATION, GetNewApplicationRequest()).maximum_capability
        labels = client.call(GET_CLUSTER_NODE_LABELS, GetClusterNodeLabelsRequest()).node_labels
    overhead = 0 if settings.am_overhead_in_mem_limit else parse_memory(settings.am_overhead) or 0
    names = frozenset(label.name for label in labels)
    return ClusterFacts(
        ClusterOffer(largest_server(maximum, overhead), names),
        known_queues(edge),
        faults,
        may_choose_queue(edge.configuration, site_directory()),
    )


def judge_profiles(
    choices: Sequence[ServerChoice], facts: ClusterFacts, user: str, *, declared: bool = True
) -> list[CheckResult]:
    """Judge the profiles; a problem of several profiles is one result.

    Not `declared`: there are no profiles, and the only choice is that of the settings.
    """
    having: dict[Problem, list[str]] = {}
    for choice in choices:
        for problem in _problems(choice, facts, user):
            having.setdefault(problem, []).append(choice.profile.name)
    if not having:
        what = "A server of each profile fits" if declared else "A server fits"
        return [CheckResult(GROUP, Verdict.OK, f"{what} the cluster.")]
    return [
        CheckResult(
            GROUP,
            Verdict.WARNING if problem.can_start else Verdict.FAILED,
            f"{_subject(names, problem) if declared else 'No server can start.'} {problem.why}",
            problem.remedy,
        )
        for problem, names in having.items()
    ]


def _subject(names: Sequence[str], problem: Problem) -> str:
    profiles = f"profile{'s' if len(names) > 1 else ''} {', '.join(names)}"
    if problem.can_start:
        return f"No server starts with one of the choices of the {profiles}."
    return f"The {profiles} can never start."


def _problems(choice: ServerChoice, facts: ClusterFacts, user: str) -> Iterator[Problem]:
    from yarnspawner.profiles.offer import shortages

    for shortage in shortages(choice.profile, facts.offer):
        if shortage.most is not None:
            at = "the min of " if shortage.field in choice.profile.fields else ""
            remedy = f"Set {at}{choice.option(shortage.field)} to at most {shortage.most_text}."
            yield Problem(shortage.sentence, remedy)
    for name in ("queue", "node_label", "environment"):
        values = choice.values(name)
        faults = [_fault(choice, name, value, facts, user) for value in values]
        can_start = None in faults or (name == "queue" and facts.yarn_may_choose)
        yield from (Problem(*fault, can_start) for fault in faults if fault)


def _fault(
    choice: ServerChoice, name: str, value: str, facts: ClusterFacts, user: str
) -> tuple[str, str] | None:
    """Return why no server starts with a name, and the remedy; None if one can."""
    option = choice.option(name)
    if name == "queue":
        return queue_fault(queue_of(value, user), facts.queues, option)
    if name == "environment":
        why = facts.environment_faults.get(value)
        remedy = f"Publish it with `yarnhub pack-env`, or set {option} to another environment."
        return (why, remedy) if why else None
    if facts.offer.has(name, value):
        return None
    labels = ", ".join(sorted(facts.offer.node_labels or ()))
    remedy = f"Set {option} to one of them, or add the label." if labels else f"Remove {option}."
    return f"The cluster has no node label {value}. Its labels: {labels or 'none'}.", remedy
