"""Reads `c.YarnSpawner.profiles`, as an administrator wrote it, into `profiles.Profiles`.

What can't be understood is a `ProfileError`, one sentence that names the profile and the field, and
is raised when the configuration is read, not when somebody wants a server.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from yarnspawner.profiles.model import (
    LABELS,
    Choices,
    Field,
    Limits,
    Option,
    Profile,
    Profiles,
    Range,
    parse_count,
    parse_memory,
)

TEXTS = ("queue", "node_label", "environment")
NUMBERS = ("memory", "cores", "gpus")

#: What a profile may say beside its fields.
ABOUT = {"name", "display_name", "description", "default", "users", "groups", "options", "limits"}
WORD = r"[A-Za-z0-9_.-]{1,64}"


class ProfileError(ValueError):
    """A profile that can't be understood: one sentence for the administrator."""


def parse_profiles(config: Sequence[Any]) -> Profiles:
    """Understand the option; raises `ProfileError`."""
    if not isinstance(config, Sequence) or isinstance(config, str):
        raise ProfileError("c.YarnSpawner.profiles is no list.")
    profiles = [_parse_profile(number, each) for number, each in enumerate(config, 1)]
    names = [profile.name for profile in profiles]
    for name in names:
        if names.count(name) > 1:
            raise ProfileError(f"c.YarnSpawner.profiles has two profiles named {name!r}.")
    first = [bool(each.get("default")) for each in config]
    ordered = sorted(zip(first, profiles, strict=True), key=lambda pair: not pair[0])
    return Profiles([profile for _, profile in ordered])


def _parse_profile(number: int, config: Any) -> Profile:
    where = f"c.YarnSpawner.profiles, profile {number}"
    if not isinstance(config, Mapping):
        raise ProfileError(f"{where}: is no dict.")
    name = config.get("name")
    if not isinstance(name, str) or not re.fullmatch(WORD, name):
        raise ProfileError(f"{where}: needs a name of letters, digits, _ . and -.")
    where = f"c.YarnSpawner.profiles, {name}"
    unknown = [key for key in config if key not in ABOUT and key not in LABELS]
    if unknown:
        raise ProfileError(f"{where}: {unknown[0]!r} is unknown; known are {', '.join(LABELS)}.")
    declared = {key: config[key] for key in LABELS if key in config}
    free = config.get("options", {})
    if not isinstance(free, Mapping):
        raise ProfileError(f"{where}: options is no dict.")
    return Profile(
        name=name,
        display_name=str(config.get("display_name", name)),
        description=str(config.get("description", "")),
        users=_names(where, "users", config),
        groups=_names(where, "groups", config),
        fixed={
            key: _fixed(where, key, value)
            for key, value in declared.items()
            if not isinstance(value, Mapping)
        },
        fields={
            key: _parse_field(f"{where}, {key}", key, value)
            for key, value in declared.items()
            if isinstance(value, Mapping)
        },
        options={key: _parse_option(f"{where}, {key}", key, value) for key, value in free.items()},
        limits=_parse_limits(where, config.get("limits", {})),
    )


def _names(where: str, key: str, config: Mapping[str, Any]) -> frozenset[str] | None:
    if key not in config:
        return None
    if not _are_names(config[key]):
        raise ProfileError(f"{where}: {key} is no list of names.")
    return frozenset(config[key])


def _are_names(value: object) -> bool:
    """Tell whether it is a list of texts, or a set of them, or a dict with such keys."""
    return (
        isinstance(value, Collection)
        and not isinstance(value, (str, bytes))
        and all(isinstance(each, str) for each in value)
    )


def _fixed(where: str, key: str, value: object) -> str | int:
    parsed: object = value
    if key in NUMBERS:
        parsed = parse_memory(value) if key == "memory" else parse_count(value)
    if not isinstance(parsed, str if key in TEXTS else int):
        raise ProfileError(f"{where}: {key} can't be {value!r}.")
    return parsed


def _parse_field(where: str, key: str, config: Mapping[str, Any]) -> Field:
    if key in TEXTS:
        return _parse_choices(where, config)
    unknown = set(config) - {"min", "max", "default"}
    if unknown or "max" not in config:
        raise ProfileError(f"{where}: give max, and if you like min and default.")
    least_of_all = {"memory": 1 << 20, "cores": 1, "gpus": 0}[key]
    least = _number(where, key, config.get("min", least_of_all))
    most = _number(where, key, config["max"])
    default = _number(where, key, config.get("default", least))
    if not least <= default <= most:
        raise ProfileError(f"{where}: default is not between min and max.")
    return Range(least, most, default, key == "memory")


def _number(where: str, key: str, value: object) -> int:
    number = parse_memory(value) if key == "memory" else parse_count(value)
    if number is None or number < 0:
        raise ProfileError(f"{where}: {value!r} is no number.")
    return number


def _parse_choices(where: str, config: Mapping[str, Any]) -> Choices:
    choices = config.get("choices")
    listed = isinstance(choices, Collection) and not isinstance(choices, str)
    if set(config) - {"choices", "default"} or not choices or not listed:
        raise ProfileError(f"{where}: give choices, and if you like default.")
    labels = choices
    if _are_names(choices) and not isinstance(choices, Mapping):
        labels = {each: each for each in choices}
    if not isinstance(labels, Mapping) or not _are_names([*labels, *labels.values()]):
        raise ProfileError(f"{where}: choices are names, or a dict of names and labels.")
    default = config.get("default", next(iter(labels)))
    if not isinstance(default, str) or default not in labels:
        raise ProfileError(f"{where}: default {default!r} is none of the choices.")
    return Choices(dict(labels), default)


def _parse_option(where: str, name: object, config: Any) -> Option:
    if not isinstance(name, str) or not re.fullmatch(WORD, name):
        raise ProfileError(f"{where}: an option's name has letters, digits, _ . and - only.")
    if name in LABELS or name == "profile":
        raise ProfileError(f"{where}: an option can't be called as a field is.")
    if not isinstance(config, Mapping) or not isinstance(config.get("choices"), Mapping):
        raise ProfileError(f"{where}: give choices: a dict of names, each with label and env.")
    choices: Mapping[str, Any] = config["choices"]
    labels, env = {}, {}
    for key, choice in choices.items():
        if not isinstance(choice, Mapping) or set(choice) - {"label", "env"}:
            raise ProfileError(f"{where}: the choice {key!r} is no dict of label and env.")
        labels[key] = str(choice.get("label", key))
        if not isinstance(choice.get("env", {}), Mapping):
            raise ProfileError(f"{where}: of the choice {key!r} env is no dict.")
        env[key] = {str(name): str(value) for name, value in choice.get("env", {}).items()}
    wanted = {"choices": labels} | ({"default": config["default"]} if "default" in config else {})
    return Option(str(config.get("label", name)), _parse_choices(where, wanted), env)


def _parse_limits(where: str, config: Any) -> Limits:
    known = isinstance(config, Mapping) and not set(config) - {"users", "groups"}
    if not known or not all(isinstance(table, Mapping) for table in config.values()):
        raise ProfileError(f"{where}: limits is no dict of users and groups.")
    tables: dict[str, dict[str, dict[str, int]]] = {"users": {}, "groups": {}}
    for kind, table in config.items():
        for who, limits in table.items():
            if not isinstance(limits, Mapping):
                raise ProfileError(f"{where}: limits of {who} is no dict.")
            unknown = set(limits) - set(NUMBERS)
            if unknown:
                raise ProfileError(f"{where}: limits are of {', '.join(NUMBERS)}, of nothing else.")
            tables[kind][who] = {
                key: _number(f"{where}, limits of {who}", key, value)
                for key, value in limits.items()
            }
    return Limits(**tables)
