from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.yarn.records import Resource, ResourceInformation
from tests.unit.yarnspawner.test_profiles import CUSTOM, GIB, PROFILES, SMALL
from yarnspawner.failures import OptionsError
from yarnspawner.launch.spec import container_memory_mb
from yarnspawner.profiles.config import parse_profiles
from yarnspawner.profiles.model import Profiles, parse_memory, show_memory
from yarnspawner.profiles.offer import ClusterOffer, largest_server, offered_profiles, shortages


def offered(offer: ClusterOffer, *profiles: dict[str, Any]) -> Profiles:
    return offered_profiles(parse_profiles(profiles) if profiles else PROFILES, offer)


def test_what_is_not_known_limits_nothing():
    assert offered(ClusterOffer()) == PROFILES


@given(st.integers(1, 1 << 20), st.integers(0, 4 << 30))
def test_the_largest_server_fits_into_a_container_and_is_typed_as_it_is_shown(
    maximum_mb: int, overhead: int
):
    memory = largest_server(Resource(maximum_mb), overhead)["memory"]
    assert memory >= 0
    if memory:
        assert container_memory_mb(memory, overhead) <= maximum_mb
        assert parse_memory(show_memory(memory)) == memory
        assert len(show_memory(memory)) <= len("1023.99G")


def test_the_largest_server_has_the_gpus_of_a_container():
    maximum = Resource(4096, 4, (ResourceInformation("yarn.io/gpu", 2),))
    assert largest_server(maximum, 72 << 20) == {"memory": int(3.92 * GIB), "cores": 4, "gpus": 2}


def test_a_default_above_the_largest_server_is_lowered():
    profiles = offered(ClusterOffer({"memory": 3 * GIB, "cores": 4, "gpus": 1}))
    assert profiles.choose({"profile": "custom"}, "alice", ()).values["memory"] == 3 * GIB
    with pytest.raises(OptionsError, match="this cluster gives a server at most 4"):
        profiles.choose({"profile": "custom", "cores": 8}, "alice", ())
    with pytest.raises(OptionsError, match="at least 1G and at most 2G is allowed"):
        profiles.choose({"profile": "custom", "memory": "3G"}, "alice", ("students",))


UNAVAILABLE = {
    "memory": (
        {"memory": "64G"},
        "64G of memory is more than this cluster gives a server (4G).",
    ),
    "smallest memory": (
        {"memory": {"min": "8G", "max": "16G"}},
        "8G of memory is more than this cluster gives a server (4G).",
    ),
    "cores": ({"cores": 9}, "9 cores is more than this cluster gives a server (8)."),
    "gpus": ({"gpus": 1}, "This cluster has no GPUs."),
    "node label": ({"node_label": "fast"}, "This cluster has no node label fast."),
    "environment": ({"environment": "gone"}, "The environment gone is not published."),
    "all environments": (
        {"environment": {"choices": ["gone", "away"]}},
        "The environment gone is not published.",
    ),
}
OFFER = ClusterOffer(
    {"memory": 4 * GIB, "cores": 8, "gpus": 0}, frozenset({"gpu"}), frozenset({"gone", "away"})
)


@pytest.mark.parametrize(("values", "sentence"), UNAVAILABLE.values(), ids=UNAVAILABLE)
def test_a_profile_that_cannot_start_is_refused_with_the_reason(
    values: dict[str, Any], sentence: str
):
    profiles = offered(OFFER, SMALL, {"name": "big", **values})
    small, big = profiles.all
    assert (small.unavailable, big.unavailable) == ("", sentence)
    with pytest.raises(OptionsError) as refusal:
        profiles.choose({"profile": "big"}, "alice", ())
    assert refusal.value.sentence == (
        f"The profile big cannot start. {sentence} Choose another profile. Ask an administrator to "
        "correct this one."
    )


def test_names_that_do_not_exist_are_not_offered():
    custom = {
        **CUSTOM,
        "environment": {"choices": ["gone", "lab"]},
        "node_label": {"choices": {"": "Any", "gpu": "With GPU", "fast": "Fast"}},
    }
    fields = offered(OFFER, custom).all[0].fields_for("alice", ())
    assert list(fields["environment"].labels) == ["lab"]
    assert fields["environment"].default == "lab"
    assert list(fields["node_label"].labels) == ["", "gpu"]


def test_all_shortages_of_a_profile_are_found():
    big = {"name": "big", "memory": "5G", "gpus": 2, "environment": "gone"}
    found = shortages(parse_profiles([big]).all[0], OFFER)
    assert [shortage.field for shortage in found] == ["memory", "gpus", "environment"]
