"""What the cluster can give one server, and what it leaves of a profile. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hadoop_client.yarn.records import Resource
from yarnspawner.launch.amounts import GPU, VCORES, amount_text
from yarnspawner.profiles.model import (
    LABELS,
    Choices,
    Field,
    Profile,
    Profiles,
    Range,
    show_memory,
)

#: The largest memory that the form offers is a multiple of a hundredth of a GiB.
STEPS_PER_GIB = 100

GIB = 1 << 30


@dataclass(frozen=True)
class ClusterOffer:
    """The most of each numeric field that YARN gives one server, and which names exist.

    `most` has memory in bytes. What is not known is not in it, or None, and then limits nothing.
    `unpublished` are the environments that do not exist in HDFS.
    """

    most: Mapping[str, int] = field(default_factory=dict)
    node_labels: frozenset[str] | None = None
    unpublished: frozenset[str] = frozenset()

    def has(self, field: str, name: str) -> bool:
        """Return whether a node label or an environment exists; True for other fields."""
        if field == "node_label":
            return not name or self.node_labels is None or name in self.node_labels
        return field != "environment" or name not in self.unpublished


@dataclass(frozen=True)
class Shortage:
    """A value that the cluster cannot give: `most` is what it can, None if `value` is a name."""

    field: str
    value: str | int
    most: int | None = None

    @property
    def sentence(self) -> str:
        """What is missing, for the user."""
        if self.field == "node_label":
            return f"This cluster has no node label {self.value}."
        if self.most is None or isinstance(self.value, str):
            return f"The environment {self.value} is not published."
        if not self.most:
            return f"This cluster has no {LABELS[self.field]}."
        if self.field == "memory":
            needed = f"{show_memory(self.value)} of memory"
        else:
            needed = amount_text(VCORES if self.field == "cores" else GPU, self.value)
        return f"{needed} is more than this cluster gives a server ({self.most_text})."

    @property
    def most_text(self) -> str:
        """What the cluster can give, as a profile declares it."""
        most = self.most or 0
        return show_memory(most) if self.field == "memory" else str(most)


def largest_server(maximum: Resource, overhead: int) -> dict[str, int]:
    """Return the most of each numeric field if YARN gives a container at most `maximum`.

    `overhead` bytes of the container's memory are not the server's. The memory is rounded down to a
    number that is short to read.
    """
    memory = max(0, (maximum.memory_mb << 20) - overhead) >> 20 << 20
    if memory >= GIB:
        memory = int(math.floor(memory / GIB * STEPS_PER_GIB) / STEPS_PER_GIB * GIB)
    return {"memory": memory, "cores": maximum.vcores, "gpus": maximum.amount(GPU)}


def offered_profiles(profiles: Profiles, offer: ClusterOffer) -> Profiles:
    """Return the profiles as the cluster can give them.

    Maxima are lowered, and choices that do not exist are left out. A profile that cannot start has
    the reason as `unavailable`, and is otherwise as it was.
    """
    return Profiles([_offered(profile, offer) for profile in profiles.all])


def _offered(profile: Profile, offer: ClusterOffer) -> Profile:
    missing = shortages(profile, offer)
    if missing:
        return replace(profile, unavailable=missing[0].sentence)
    fields = {name: _left(name, declared, offer) for name, declared in profile.fields.items()}
    return replace(profile, fields=fields)


def _left(name: str, declared: Field, offer: ClusterOffer) -> Field:
    if isinstance(declared, Range):
        most = offer.most.get(name, declared.most)
        return declared if most >= declared.most else declared.limited(most, by_cluster=True)
    labels = {value: text for value, text in declared.labels.items() if offer.has(name, value)}
    default = declared.default if declared.default in labels else next(iter(labels))
    return Choices(labels, default)


def shortages(profile: Profile, offer: ClusterOffer) -> list[Shortage]:
    """Return what keeps a profile from ever starting on this cluster."""
    missing = []
    for name, value in profile.fixed.items():
        if isinstance(value, int):
            missing += _too_much(name, value, offer)
        elif not offer.has(name, value):
            missing.append(Shortage(name, value))
    for name, declared in profile.fields.items():
        if isinstance(declared, Range):
            missing += _too_much(name, declared.least, offer)
        elif not any(offer.has(name, value) for value in declared.labels):
            missing.append(Shortage(name, declared.default))
    return missing


def _too_much(name: str, needed: int, offer: ClusterOffer) -> list[Shortage]:
    most = offer.most.get(name, needed)
    return [Shortage(name, needed, most)] if needed > most else []
