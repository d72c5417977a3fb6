"""`c.YarnSpawner.profiles`: the choices that users have for their servers, and their limits.

A profile is a dict that an administrator writes:

    {
        "name": "large",                          # stored with the server, and used in REST calls
        "display_name": "Large", "description": "For models.", "default": True,
        "users": ["alice"], "groups": ["research"],    # without them, all users may choose it
        "queue": "default",                       # a plain value: the administrator's choice
        "queue": {"choices": ["default", "gpu"]}, # or the user's; the first is the default
        "memory": {"min": "1G", "max": "64G", "default": "4G"},
        "cores": {"max": 8}, "gpus": {"max": 2},  # min is 1M for memory, 1 for cores, 0 for gpus
        "node_label": ..., "environment": {"choices": {"lab": "JupyterLab", "ml": "With CUDA"}},
        "docker_image": ...,
        "options": {"size": {"label": "Data", "choices": {
            "small": {"label": "A sample", "env": {"DATA": "/data/sample"}}, ...}}},
        "limits": {"groups": {"students": {"memory": "4G"}}, "users": {"bob": {"gpus": 0}}},
    }

- Options from the form, a query and REST are checked alike. They are checked again at each start,
  because a limit may have been lowered since.
- An unknown option, a value of another type and a prefix of a choice are refused. The error names
  the option and the allowed values.
- If a user is in several groups, the largest limit applies; a limit for the user takes precedence.

No I/O. `profiles.config` parses the dicts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from yarnspawner.failures import OptionsError

#: The fields in the form's order, and their labels.
LABELS = {
    "queue": "Queue",
    "memory": "Memory",
    "cores": "Cores",
    "gpus": "GPUs",
    "node_label": "Kind of node",
    "environment": "Environment",
    "docker_image": "Image",
}
#: The powers of two that memory suffixes stand for.
SUFFIXES = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
MAX_MEMORY_CHARS = 200
MAX_SHOWN_CHARS = 40


@dataclass(frozen=True)
class Choices:
    """A field with choices and their labels."""

    labels: Mapping[str, str]
    default: str

    def check(self, label: str, value: object) -> str:
        """Return `value` if it is one of the choices; raises `OptionsError`."""
        if isinstance(value, str) and value in self.labels:
            return value
        raise OptionsError(
            f"{label} cannot be {shown(value)}: choose one of {', '.join(self.labels)}."
        )


@dataclass(frozen=True)
class Range:
    """A field with a whole number; memory is in bytes. `by_cluster`: `most` is the cluster's."""

    least: int
    most: int
    default: int
    is_memory: bool
    by_cluster: bool = False

    def check(self, label: str, value: object) -> int:
        """Return `value` as a number if it is within the limits; raises `OptionsError`."""
        number = parse_memory(value) if self.is_memory else parse_count(value)
        if number is None:
            example = "such as 4G" if self.is_memory else "a whole number"
            raise OptionsError(f"{label} cannot be {shown(value)}: give {example}.")
        if number > self.most and self.by_cluster:
            raise OptionsError(
                f"{label} cannot be {shown(value)}: this cluster gives a server at most "
                f"{self.show(self.most)}."
            )
        if not self.least <= number <= self.most:
            raise OptionsError(
                f"{label} cannot be {shown(value)}: at least {self.show(self.least)} and at most "
                f"{self.show(self.most)} is allowed."
            )
        return number

    def show(self, number: int) -> str:
        """Format a number, memory with its suffix."""
        return show_memory(number) if self.is_memory else str(number)

    def limited(self, limit: int, *, by_cluster: bool = False) -> Range:
        """Return the range with its maximum lowered to `limit`."""
        if limit >= self.most:
            return self
        least, default = min(self.least, limit), min(self.default, limit)
        return Range(least, limit, default, self.is_memory, by_cluster)


Field = Choices | Range


@dataclass(frozen=True)
class Option:
    """An option that sets environment variables: its label, its choices and each one's `env`."""

    label: str
    choices: Choices
    env: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Limits:
    """The maximum of each numeric field, by user and by group."""

    users: Mapping[str, Mapping[str, int]]
    groups: Mapping[str, Mapping[str, int]]

    def limit_of(self, name: str, user: str, groups: Collection[str]) -> int | None:
        """Return a user's limit for a field, None if there is none."""
        if name in self.users.get(user, {}):
            return self.users[user][name]
        tables = (self.groups.get(group, {}) for group in groups)
        return max((table[name] for table in tables if name in table), default=None)


@dataclass(frozen=True)
class Profile:
    """A parsed profile. `fixed` are the values that the administrator set.

    `unavailable` is a sentence on why it cannot start on this cluster, or empty.
    """

    name: str
    display_name: str
    description: str
    users: frozenset[str] | None
    groups: frozenset[str] | None
    fixed: Mapping[str, str | int]
    fields: Mapping[str, Field]
    options: Mapping[str, Option]
    limits: Limits
    unavailable: str = ""

    def open_to(self, user: str, groups: Collection[str]) -> bool:
        """Return whether a user may choose it."""
        if self.users is None and self.groups is None:
            return True
        return user in (self.users or ()) or not (self.groups or frozenset()).isdisjoint(groups)

    def fields_for(self, user: str, groups: Collection[str]) -> dict[str, Field]:
        """Return the fields, with their maxima lowered to a user's limits."""
        fields: dict[str, Field] = dict(self.fields)
        for name, declared in self.fields.items():
            limit = self.limits.limit_of(name, user, groups)
            if isinstance(declared, Range) and limit is not None:
                fields[name] = declared.limited(limit)
        return fields

    def controls_for(self, user: str, groups: Collection[str]) -> dict[str, tuple[str, Field]]:
        """Return the label and the field of all that a user can choose, options included."""
        fields = self.fields_for(user, groups).items()
        return {
            **{name: (LABELS[name], declared) for name, declared in fields},
            **{name: (option.label, option.choices) for name, option in self.options.items()},
        }

    def names(self, field: str) -> set[str]:
        """Return all names that a field may have, such as those of environments."""
        declared, fixed = self.fields.get(field), self.fixed.get(field)
        names = set(declared.labels) if isinstance(declared, Choices) else {str(fixed or "")}
        return names - {""}


@dataclass(frozen=True)
class Chosen:
    """A validated choice: `values` by field, memory in bytes, and environment variables.

    `title` is the profile's display name.
    """

    values: Mapping[str, str | int]
    env: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class Profiles:
    """All profiles of a hub, the default one first."""

    all: Sequence[Profile]

    def names(self, field: str) -> set[str]:
        """Return all names that a field may have in any profile."""
        return {name for profile in self.all for name in profile.names(field)}

    def open_to(self, user: str, groups: Collection[str]) -> list[Profile]:
        """Return the profiles that a user may choose."""
        return [profile for profile in self.all if profile.open_to(user, groups)]

    def choose(self, options: Mapping[str, object], user: str, groups: Collection[str]) -> Chosen:
        """Validate `options`; missing ones get their defaults. Raises `OptionsError`."""
        profile = self._profile(options, user, groups)
        if profile.unavailable:
            raise OptionsError(
                f"The profile {profile.name} cannot start. {profile.unavailable} Choose another "
                "profile. Ask an administrator to correct this one."
            )
        fields = profile.fields_for(user, groups)
        unknown = [name for name in options if name not in {"profile", *fields, *profile.options}]
        if unknown:
            raise OptionsError(
                f"The profile {profile.name} has no option {shown(unknown[0])}. Its options: "
                f"{', '.join([*fields, *profile.options]) or 'none'}."
            )
        values = {
            name: declared.check(LABELS[name], options.get(name, declared.default))
            for name, declared in fields.items()
        }
        env: dict[str, str] = {}
        for name, option in profile.options.items():
            requested = options.get(name, option.choices.default)
            env |= option.env[option.choices.check(option.label, requested)]
        return Chosen({**profile.fixed, **values}, env, profile.display_name)

    def refused_fields(
        self, options: Mapping[str, object], user: str, groups: Collection[str]
    ) -> dict[str, str]:
        """Return why `choose` refuses the values of fields, by the fields' names."""
        try:
            profile = self._profile(options, user, groups)
        except OptionsError:
            return {}
        refused = {}
        for name, (label, declared) in profile.controls_for(user, groups).items():
            try:
                declared.check(label, options.get(name, declared.default))
            except OptionsError as error:
                refused[name] = error.sentence
        return refused

    def _profile(
        self, options: Mapping[str, object], user: str, groups: Collection[str]
    ) -> Profile:
        """Return the profile that `options` name, or the default one; raises `OptionsError`."""
        profiles = {profile.name: profile for profile in self.open_to(user, groups)}
        if not profiles:
            raise OptionsError(
                f"{user} does not have access to any profile. Ask an administrator for access "
                "(c.YarnSpawner.profiles)."
            )
        labels = {name: profile.display_name for name, profile in profiles.items()}
        known = Choices(labels, next(iter(profiles)))
        return profiles[known.check("The profile", options.get("profile", known.default))]


def shown(value: object) -> str:
    """Return any value as text short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…"


def parse_memory(value: object) -> int | None:
    """Parse bytes: a whole number, or text with K, M, G or T. Return None for anything else."""
    if isinstance(value, str) and len(value) <= MAX_MEMORY_CHARS:
        match = re.fullmatch(
            r"\s*(\d{1,16}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?\s*", value, re.I | re.A
        )
        return int(float(match[1]) * (1 << SUFFIXES[match[2].upper()])) if match else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def parse_count(value: object) -> int | None:
    """Parse a whole number, also from text. Return None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}\s*", value, re.A):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def show_memory(number: int) -> str:
    """Format bytes with the largest suffix that leaves at most two decimals.

    `parse_memory` reads the same number from it.
    """
    for suffix in ("T", "G", "M", "K"):
        unit = 1 << SUFFIXES[suffix]
        scaled = round(number / unit, 2)
        if scaled >= 1 and int(scaled * unit) == number:
            return f"{scaled:.2f}".rstrip("0").rstrip(".") + suffix
    return str(number)
