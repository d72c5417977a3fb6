"""`c.YarnSpawner.profiles`: what people may choose for their server, and within which limits.

A profile is a dict that an administrator writes:

    {
        "name": "large",                          # what is stored, and named by REST
        "display_name": "Large", "description": "For models.", "default": True,
        "users": ["alice"], "groups": ["research"],    # who may choose it; without: everybody
        "queue": "default",                       # a plain value: the administrator's choice
        "queue": {"choices": ["default", "gpu"]}, # or the person's, the first one by default
        "memory": {"min": "1G", "max": "64G", "default": "4G"},
        "cores": {"max": 8}, "gpus": {"max": 2},  # numbers: min is 1 (0 of gpus)
        "node_label": ..., "environment": {"choices": {"lab": "JupyterLab", "ml": "With CUDA"}},
        "options": {"size": {"label": "Data", "choices": {
            "small": {"label": "A sample", "env": {"DATA": "/data/sample"}}, ...}}},
        "limits": {"groups": {"students": {"memory": "4G"}}, "users": {"bob": {"gpus": 0}}},
    }

- What a person asks for is checked in the same way whether it comes by form, query or REST, and
  again at each start: a limit may have been lowered since.
- Nothing is guessed: an unknown option, a value of another type, or what only begins like a choice
  is refused by name, with what is allowed.
- Nobody gets more than the largest limit of their groups; a limit for the user alone goes first.

Pure: no I/O. `profile_config` reads the dicts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yarnspawner.failures import OptionsError

#: The declared fields, in the form's order, and how it calls them.
LABELS = {
    "queue": "Queue",
    "memory": "Memory",
    "cores": "Cores",
    "gpus": "GPUs",
    "node_label": "Kind of node",
    "environment": "Environment",
}
SUFFIXES = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
LONGEST_VALUE = 200


@dataclass(frozen=True)
class Choices:
    """A field with choices: what each is called, the first one the default."""

    labels: Mapping[str, str]
    default: str

    def check(self, label: str, value: object) -> str:
        """Return a choice that was asked for; it has to match whole."""
        if isinstance(value, str) and value in self.labels:
            return value
        raise OptionsError(
            f"{label} can't be {shown(value)}: choose one of {', '.join(self.labels)}."
        )


@dataclass(frozen=True)
class Range:
    """A field with a number, of bytes for memory."""

    least: int
    most: int
    default: int
    is_memory: bool

    def check(self, label: str, value: object) -> int:
        """Return a number that was asked for, if it is within the limits."""
        number = parse_memory(value) if self.is_memory else parse_count(value)
        if number is None:
            example = "such as 4G" if self.is_memory else "a whole number"
            raise OptionsError(f"{label} can't be {shown(value)}: give {example}.")
        if not self.least <= number <= self.most:
            raise OptionsError(
                f"{label} can't be {shown(value)}: at least {self.show(self.least)} and at most "
                f"{self.show(self.most)} is allowed."
            )
        return number

    def show(self, number: int) -> str:
        """Write a number as people write it."""
        return show_memory(number) if self.is_memory else str(number)

    def limited(self, most: int) -> Range:
        """Return the range that is left under a limit."""
        most = min(self.most, most)
        return Range(min(self.least, most), most, min(self.default, most), self.is_memory)


Field = Choices | Range


@dataclass(frozen=True)
class Option:
    """A free choice: its label, its choices, and the environment variables that each sets."""

    label: str
    choices: Choices
    env: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Limits:
    """The most of each number, by user and by group."""

    users: Mapping[str, Mapping[str, int]]
    groups: Mapping[str, Mapping[str, int]]

    def of(self, name: str, user: str, groups: Collection[str]) -> int | None:
        """Return a person's limit of a field, None where there is none."""
        if name in self.users.get(user, {}):
            return self.users[user][name]
        found = [self.groups[each][name] for each in groups if name in self.groups.get(each, {})]
        return max(found, default=None)


@dataclass(frozen=True)
class Profile:
    """One profile, understood. `fixed` are the administrator's own values."""

    name: str
    display_name: str
    description: str
    users: frozenset[str] | None
    groups: frozenset[str] | None
    fixed: Mapping[str, str | int]
    fields: Mapping[str, Field]
    options: Mapping[str, Option]
    limits: Limits

    def open_to(self, user: str, groups: Collection[str]) -> bool:
        """Tell whether a person may choose it."""
        if self.users is None and self.groups is None:
            return True
        return user in (self.users or ()) or not (self.groups or frozenset()).isdisjoint(groups)

    def fields_for(self, user: str, groups: Collection[str]) -> dict[str, Field]:
        """Return the fields within a person's limits."""
        return {
            name: each if isinstance(each, Choices) else self._limited(name, each, user, groups)
            for name, each in self.fields.items()
        }

    def _limited(self, name: str, each: Range, user: str, groups: Collection[str]) -> Range:
        most = self.limits.of(name, user, groups)
        return each if most is None else each.limited(most)


@dataclass(frozen=True)
class Chosen:
    """What a start gets: `values` by field, memory in bytes, and environment variables."""

    values: Mapping[str, str | int]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Profiles:
    """All profiles of a hub, the default one first."""

    all: Sequence[Profile]

    def open_to(self, user: str, groups: Collection[str]) -> list[Profile]:
        """Return the profiles that a person may choose."""
        return [profile for profile in self.all if profile.open_to(user, groups)]

    def choose(self, options: Mapping[str, Any], user: str, groups: Collection[str]) -> Chosen:
        """Return what `options` ask for; raises `OptionsError`. Without any: the default."""
        profiles = {profile.name: profile for profile in self.open_to(user, groups)}
        if not profiles:
            raise OptionsError(
                f"No profile is open to {user}: an administrator has to allow one "
                "(c.YarnSpawner.profiles)."
            )
        labels = {name: profile.display_name for name, profile in profiles.items()}
        known = Choices(labels, next(iter(profiles)))
        profile = profiles[known.check("The profile", options.get("profile", known.default))]
        fields = profile.fields_for(user, groups)
        unknown = [name for name in options if name not in {"profile", *fields, *profile.options}]
        if unknown:
            raise OptionsError(
                f"The profile {profile.name} has no option {shown(unknown[0])}; it has: "
                f"{', '.join([*fields, *profile.options]) or 'none'}."
            )
        values = {
            name: each.check(LABELS[name], options.get(name, _default(each)))
            for name, each in fields.items()
        }
        env: dict[str, str] = {}
        for name, option in profile.options.items():
            asked = options.get(name, option.choices.default)
            env |= option.env[option.choices.check(option.label, asked)]
        return Chosen({**profile.fixed, **values}, env)


def _default(each: Field) -> str | int:
    return each.default


def shown(value: object) -> str:
    """Write a value into a sentence: it may be anything, and of any length."""
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def parse_memory(value: object) -> int | None:
    """Read bytes: a whole number, or text with K, M, G or T; None for anything else."""
    if isinstance(value, str) and len(value) <= LONGEST_VALUE:
        match = re.fullmatch(
            r"\s*(\d{1,16}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?\s*", value, re.I | re.A
        )
        return int(float(match[1]) * (1 << SUFFIXES[match[2].upper()])) if match else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def parse_count(value: object) -> int | None:
    """Read a whole number, also from text; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}\s*", value, re.A):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def show_memory(number: int) -> str:
    """Write bytes with the largest suffix that leaves a short number."""
    for suffix in ("T", "G", "M", "K"):
        scaled = number / (1 << SUFFIXES[suffix])
        if scaled >= 1 and scaled == round(scaled, 2):
            return f"{scaled:.2f}".rstrip("0").rstrip(".") + suffix
    return str(number)
