from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yarnspawner.failures import OptionsError
from yarnspawner.profiles.config import ProfileError, parse_profiles
from yarnspawner.profiles.model import parse_memory, show_memory

GIB = 1 << 30
SMALL = {"name": "small", "queue": "default", "memory": "2G", "cores": 1, "environment": "lab"}
CUSTOM = {
    "name": "custom",
    "display_name": "Custom",
    "queue": {"choices": ["default", "prod"]},
    "memory": {"min": "1G", "max": "16G", "default": "4G"},
    "cores": {"max": 8},
    "gpus": {"max": 2},
    "environment": {"choices": {"lab": "JupyterLab", "ml": "With CUDA"}},
    "options": {
        "data": {
            "label": "Data",
            "choices": {
                "sample": {"label": "A sample", "env": {"DATA": "/data/sample"}},
                "all": {"label": "All of it", "env": {"DATA": "/data"}},
            },
        }
    },
    "limits": {
        "groups": {"students": {"memory": "2G", "gpus": 0}, "staff": {"memory": "8G"}},
        "users": {"bob": {"gpus": 1}},
    },
}
SECRET = {"name": "secret", "groups": ["research"], "users": ["carol"], "memory": "64G"}
PROFILES = parse_profiles([SMALL, CUSTOM, SECRET])


def choose(options: dict[str, Any], user: str = "alice", groups: tuple[str, ...] = ()):
    return PROFILES.choose(options, user, groups)


def test_the_default_profile_applies_without_options():
    chosen = choose({})
    assert chosen.values == {
        "queue": "default",
        "memory": 2 * GIB,
        "cores": 1,
        "environment": "lab",
    }
    assert parse_profiles([SMALL, {**CUSTOM, "default": True}]).all[0].name == "custom"


def test_a_start_gets_the_requested_options():
    asked = {
        "profile": "custom",
        "queue": "prod",
        "memory": "6.5G",
        "cores": "3",
        "gpus": 2,
        "environment": "ml",
        "data": "all",
    }
    chosen = choose(asked)
    assert chosen.values == {
        "queue": "prod",
        "memory": int(6.5 * GIB),
        "cores": 3,
        "gpus": 2,
        "environment": "ml",
    }
    assert chosen.env == {"DATA": "/data"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "nope"}, "choose one of small, custom"),
        ({"profile": "secret"}, "choose one of small, custom"),
        ({"profile": ["custom"]}, "choose one of"),
        ({"profile": "custom", "colour": "red"}, "no option 'colour'. Its options: queue, memory"),
        ({"memory": "4G"}, "The profile small has no option 'memory'"),
        ({"profile": "custom", "memory": "17G"}, "at least 1G and at most 16G"),
        ({"profile": "custom", "memory": "512M"}, "at least 1G and at most 16G"),
        ({"profile": "custom", "memory": "-1G"}, "such as 4G"),
        ({"profile": "custom", "memory": -1}, "at least 1G and at most 16G"),
        ({"profile": "custom", "memory": "2G; x"}, "such as 4G"),
        ({"profile": "custom", "memory": "٤G"}, "such as 4G"),
        ({"profile": "custom", "memory": float("nan")}, "cannot be nan"),
        ({"profile": "custom", "memory": float("inf")}, "cannot be inf"),
        ({"profile": "custom", "memory": {"a": 1}}, "such as 4G"),
        ({"profile": "custom", "memory": True}, "such as 4G"),
        ({"profile": "custom", "memory": "9" * 1_000_000}, "such as 4G"),
        ({"profile": "custom", "cores": 0}, "at least 1 and at most 8"),
        ({"profile": "custom", "cores": 9}, "at least 1 and at most 8"),
        ({"profile": "custom", "cores": 1.5}, "a whole number"),
        ({"profile": "custom", "gpus": 3}, "at least 0 and at most 2"),
        ({"profile": "custom", "queue": "prod-evil"}, "choose one of default, prod"),
        ({"profile": "custom", "queue": "PROD"}, "choose one of default, prod"),
        ({"profile": "custom", "queue": " prod"}, "choose one of default, prod"),
        ({"profile": "custom", "queue": None}, "choose one of default, prod"),
        ({"profile": "custom", "data": "none"}, "Data cannot be 'none'"),
        ({"profile": "custom", "x" * 1_000_000: 1}, "no option"),
    ],
)
def test_other_options_are_refused_with_the_allowed_values(options, message):
    with pytest.raises(OptionsError, match=message) as refusal:
        choose(options)
    assert len(refusal.value.sentence) < 400
    assert refusal.value.status_code == 400


def test_a_profile_is_open_only_to_its_users_and_groups():
    assert choose({"profile": "secret"}, "carol").values["memory"] == 64 * GIB
    assert choose({"profile": "secret"}, "dave", ("research",)).values["memory"] == 64 * GIB
    only = parse_profiles([SECRET])
    with pytest.raises(OptionsError, match="alice does not have access to any profile"):
        only.choose({}, "alice", ())


@pytest.mark.parametrize(
    ("user", "groups", "memory"),
    [("alice", ("students",), 2), ("alice", ("students", "staff"), 8), ("alice", (), 16)],
)
def test_the_largest_limit_of_the_users_groups_applies(user, groups, memory):
    options = {"profile": "custom", "memory": f"{memory}G"}
    assert choose(options, user, groups).values["memory"] == memory * GIB
    with pytest.raises(OptionsError, match=f"at most {memory}G"):
        choose({"profile": "custom", "memory": f"{memory}.1G"}, user, groups)


def test_a_limit_for_the_user_takes_precedence_and_lowers_the_default():
    assert choose({"profile": "custom", "gpus": 1}, "bob", ("students",)).values["gpus"] == 1
    assert choose({"profile": "custom"}, "alice", ("students",)).values["memory"] == 2 * GIB
    with pytest.raises(OptionsError, match="at least 0 and at most 0"):
        choose({"profile": "custom", "gpus": 1}, "alice", ("students",))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["profile", "queue", "memory", "cores", "gpus", "data"]) | st.text()


@given(st.dictionaries(names, json_values | st.sampled_from(["custom", "4G", "prod"]), max_size=5))
def test_any_options_are_refused_or_within_the_limits(options):
    try:
        chosen = choose({"profile": "custom", **options}, groups=("students",))
    except OptionsError:
        return
    assert GIB <= int(chosen.values["memory"]) <= 2 * GIB
    assert 1 <= int(chosen.values["cores"]) <= 8
    assert chosen.values["gpus"] == 0
    assert chosen.values["queue"] in ("default", "prod")


@given(st.integers(0, 1 << 50))
def test_formatted_memory_parses_to_the_same_number(number):
    assert parse_memory(show_memory(number)) == number


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("x", "profile 1: must be a dict"),
        ({}, "profile 1: name must be 1 to 64 letters"),
        ({"name": "a b"}, "profile 1: name must be 1 to 64 letters"),
        ({"name": "a", "memroy": "2G"}, "a: unknown key 'memroy'"),
        ({"name": "a", "memory": "much"}, "a: memory cannot be 'much'"),
        ({"name": "a", "memory": {"min": "1G"}}, "a, memory: a range needs max"),
        ({"name": "a", "memory": {"max": "1G", "default": "2G"}}, "default must be between"),
        ({"name": "a", "cores": {"max": "many"}}, "a, cores: 'many' is not a number"),
        (
            {"name": "a", "queue": {"choices": []}},
            "a, queue: choices must be a list or a dict, and not empty",
        ),
        (
            {"name": "a", "queue": {"choices": "prod"}},
            "a, queue: choices must be a list or a dict, and not empty",
        ),
        ({"name": "a", "queue": {"choices": ["b"], "default": "c"}}, "not one of the choices"),
        ({"name": "a", "users": "alice"}, "users must be a list"),
        ({"name": "a", "users": 5}, "users must be a list"),
        (
            {"name": "a", "queue": {"choices": 5}},
            "a, queue: choices must be a list or a dict, and not empty",
        ),
        ({"name": "a", "queue": {"choices": [["b"]]}}, "choices must be names"),
        ({"name": "a", "queue": {"choices": ["b"], "default": ["b"]}}, "not one of the choices"),
        (
            {"name": "a", "options": {"x": {"choices": {"y": {"env": ["A=1"]}}}}},
            "env of choice 'y' must be a dict",
        ),
        ({"name": "a", "options": {"memory": {}}}, "must not have the name of a field"),
        ({"name": "a", "options": {"x": {"choices": ["y"]}}}, "an option needs choices, a dict"),
        ({"name": "a", "limits": {"group": {}}}, "limits must be a dict with users and groups"),
        ({"name": "a", "limits": {"users": ["b"]}}, "limits must be a dict with users and groups"),
        ({"name": "a", "limits": {"users": {"b": ["gpus"]}}}, "limits of b must be a dict"),
        ({"name": "a", "limits": {"users": {"b": 5}}}, "limits of b must be a dict"),
        ({"name": "a", "limits": {"users": {"b": {"queue": "c"}}}}, "limits can be set for memory"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(config, message):
    with pytest.raises(ProfileError, match=message):
        parse_profiles([config])


@pytest.mark.parametrize("config", [None, 5, {"name": "a"}, "ab"])
def test_profiles_must_be_a_list(config):
    with pytest.raises(ProfileError, match="must be a list"):
        parse_profiles(config)


parts = st.dictionaries(
    st.sampled_from(["choices", "default", "min", "max", "label", "env", "users", "groups", "b"])
    | st.text(max_size=3),
    json_values,
    max_size=3,
)
declared = st.sampled_from([*CUSTOM, "users", "groups", "default"])


@given(st.dictionaries(declared, json_values | parts, max_size=4))
def test_any_configuration_parses_or_raises_a_profile_error(config):
    with suppress(ProfileError):
        parse_profiles([{**config, "name": "a"}])


def test_two_profiles_must_not_have_the_same_name():
    with pytest.raises(ProfileError, match="two profiles named 'small'"):
        parse_profiles([SMALL, SMALL])
