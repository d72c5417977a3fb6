"""What YARN takes for a request. Expected values were taken from schedulers of Hadoop 3.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.configuration import Configuration
from yarnspawner.launch.allocation import Allocation

FAIR = {"yarn.resourcemanager.scheduler.class": "org.apache.hadoop.x.fair.FairScheduler"}
MINIMUM = "yarn.scheduler.minimum-allocation-mb"


@pytest.mark.parametrize(
    ("properties", "requested", "container"),
    [
        ({}, 1, 1024),
        ({}, 1024 + 32, 2048),
        ({}, 2048, 2048),
        ({MINIMUM: "128"}, 2048 + 72, 2176),
        ({MINIMUM: "1"}, 2048 + 72, 2120),
        ({MINIMUM: "0"}, 100, 100),
        (FAIR, 2048 + 72, 3072),
        ({**FAIR, MINIMUM: "0", "yarn.scheduler.increment-allocation-mb": "512"}, 2120, 2560),
        ({**FAIR, MINIMUM: "1500", "yarn.scheduler.increment-allocation-mb": "512"}, 100, 1536),
        ({**FAIR, "yarn.resource-types.memory-mb.increment-allocation": "256"}, 2120, 2304),
        ({**FAIR, "yarn.resource-types.memory-mb.increment-allocation": "512 Mi"}, 2120, 2560),
    ],
)
def test_a_container_is_rounded_up(
    properties: dict[str, str], requested: int, container: int
) -> None:
    assert Allocation.of(Configuration(properties)).container_mb(requested) == container


@given(st.integers(1, 1 << 20), st.integers(0, 4096), st.integers(1, 4096))
def test_a_container_has_what_was_requested_and_less_than_a_step_more(
    requested: int, minimum: int, step: int
) -> None:
    container = Allocation(minimum, step).container_mb(requested)
    assert max(requested, minimum) <= container < max(requested, minimum) + step
    assert container % step == 0
