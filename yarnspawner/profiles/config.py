"""Parses `c.YarnSpawner.profiles` into `Profiles`.

A mistake is a `ProfileError`, one sentence that names the profile and the field. It is raised when
the configuration is read, not when a user starts a server.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeGuard

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

TEXTS = ("queue", "node_label", "environment", "docker_image")
NUMBERS = ("memory", "cores", "gpus")

#: The keys of a profile besides its fields.
KEYS = ("name", "display_name", "description", "default", "users", "groups", "options", "limits")
NAME = r"[A-Za-z0-9_.-]{1,64}"
NAME_RULE = "must be 1 to 64 letters, digits, '_', '.' or '-'"

#: The smallest value that `min` may have, which is its default too.
SMALLEST = {"memory": 1 << 20, "cores": 1, "gpus": 0}


class ProfileError(ValueError):
    """A mistake in `c.YarnSpawner.profiles`: one sentence for the administrator."""


def parse_profiles(config: object) -> Profiles:
    """Parse the option; raises `ProfileError`."""
    if not isinstance(config, Sequence) or isinstance(config, str):
        raise ProfileError("c.YarnSpawner.profiles must be a list.")
    profiles = [_parse_profile(number, profile) for number, profile in enumerate(config, 1)]
    names = [profile.name for profile in profiles]
    for name in names:
        if names.count(name) > 1:
            raise ProfileError(f"c.YarnSpawner.profiles has two profiles named {name!r}.")
    is_default = [bool(profile.get("default")) for profile in config]
    ordered = sorted(zip(is_default, profiles, strict=True), key=lambda pair: not pair[0])
    return Profiles([profile for _, profile in ordered])


def _parse_profile(number: int, config: object) -> Profile:
    where = f"c.YarnSpawner.profiles, profile {number}"
    if not isinstance(config, Mapping):
        raise ProfileError(f"{where}: must be a dict.")
    name = config.get("name")
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise ProfileError(f"{where}: name {NAME_RULE}.")
    where = f"c.YarnSpawner.profiles, {name}"
    known = [*KEYS, *LABELS]
    unknown = [key for key in config if key not in known]
    if unknown:
        raise ProfileError(f"{where}: unknown key {unknown[0]!r}. Known keys: {', '.join(known)}.")
    declared = {key: config[key] for key in LABELS if key in config}
    options = config.get("options", {})
    if not isinstance(options, Mapping):
        raise ProfileError(f"{where}: options must be a dict.")
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
        options={
            key: _parse_option(f"{where}, {key}", key, value) for key, value in options.items()
        },
        limits=_parse_limits(where, config.get("limits", {})),
    )


def _names(where: str, key: str, config: Mapping[str, object]) -> frozenset[str] | None:
    if key not in config:
        return None
    names = config[key]
    if not _are_names(names):
        raise ProfileError(f"{where}: {key} must be a list of names.")
    return frozenset(names)


def _are_names(value: object) -> TypeGuard[Collection[str]]:
    """Return whether it is a list or set of strings, or a dict with string keys."""
    return (
        isinstance(value, Collection)
        and not isinstance(value, (str, bytes))
        and all(isinstance(name, str) for name in value)
    )


def _fixed(where: str, key: str, value: object) -> str | int:
    parsed: object = value
    if key in NUMBERS:
        parsed = parse_memory(value) if key == "memory" else parse_count(value)
    if not isinstance(parsed, str if key in TEXTS else int):
        raise ProfileError(f"{where}: {key} cannot be {value!r}.")
    return parsed


def _parse_field(where: str, key: str, config: Mapping[str, object]) -> Field:
    if key in TEXTS:
        return _parse_choices(where, config)
    unknown = set(config) - {"min", "max", "default"}
    if unknown or "max" not in config:
        raise ProfileError(f"{where}: a range needs max. min and default are optional.")
    least = _number(where, key, config.get("min", SMALLEST[key]))
    most = _number(where, key, config["max"])
    default = _number(where, key, config.get("default", least))
    if not least <= default <= most:
        raise ProfileError(f"{where}: default must be between min and max.")
    return Range(least, most, default, key == "memory")


def _number(where: str, key: str, value: object) -> int:
    number = parse_memory(value) if key == "memory" else parse_count(value)
    if number is None or number < 0:
        raise ProfileError(f"{where}: {value!r} is not a number.")
    return number


def _parse_choices(where: str, config: Mapping[str, object]) -> Choices:
    choices = config.get("choices")
    listed = isinstance(choices, Collection) and not isinstance(choices, str)
    if set(config) - {"choices", "default"} or not choices or not listed:
        raise ProfileError(
            f"{where}: choices must be a list or a dict, and not empty. default is optional."
        )
    labels = choices
    if not isinstance(choices, Mapping) and _are_names(choices):
        labels = {name: name for name in choices}
    if not isinstance(labels, Mapping) or not _are_names([*labels, *labels.values()]):
        raise ProfileError(f"{where}: choices must be names, or a dict of names and labels.")
    default = config.get("default", next(iter(labels)))
    if not isinstance(default, str) or default not in labels:
        raise ProfileError(f"{where}: default {default!r} is not one of the choices.")
    return Choices(dict(labels), default)


def _parse_option(where: str, name: object, config: object) -> Option:
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise ProfileError(f"{where}: an option's name {NAME_RULE}.")
    if name in LABELS or name == "profile":
        raise ProfileError(f"{where}: an option must not have the name of a field.")
    if not isinstance(config, Mapping) or not isinstance(config.get("choices"), Mapping):
        raise ProfileError(
            f"{where}: an option needs choices, a dict of names, each with label and env."
        )
    choices: Mapping[str, object] = config["choices"]
    labels, env = {}, {}
    for key, choice in choices.items():
        if not isinstance(choice, Mapping) or set(choice) - {"label", "env"}:
            raise ProfileError(f"{where}: choice {key!r} must be a dict with label and env.")
        labels[key] = str(choice.get("label", key))
        if not isinstance(choice.get("env", {}), Mapping):
            raise ProfileError(f"{where}: env of choice {key!r} must be a dict.")
        env[key] = {str(name): str(value) for name, value in choice.get("env", {}).items()}
    declared = {"choices": labels}
    if "default" in config:
        declared["default"] = config["default"]
    return Option(str(config.get("label", name)), _parse_choices(where, declared), env)


def _parse_limits(where: str, config: object) -> Limits:
    if (
        not isinstance(config, Mapping)
        or set(config) - {"users", "groups"}
        or not all(isinstance(table, Mapping) for table in config.values())
    ):
        raise ProfileError(f"{where}: limits must be a dict with users and groups, each a dict.")
    tables: dict[str, dict[str, dict[str, int]]] = {"users": {}, "groups": {}}
    for kind, table in config.items():
        for who, limits in table.items():
            if not isinstance(limits, Mapping):
                raise ProfileError(f"{where}: limits of {who} must be a dict.")
            unknown = set(limits) - set(NUMBERS)
            if unknown:
                raise ProfileError(f"{where}: limits can be set for {', '.join(NUMBERS)} only.")
            tables[kind][who] = {
                key: _number(f"{where}, limits of {who}", key, value)
                for key, value in limits.items()
            }
    return Limits(**tables)
