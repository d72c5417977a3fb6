"""The benchmark of one hub with many servers, with a few: its cluster is a simulated one."""

from __future__ import annotations

import pytest

from benchmarks.frame import Under
from benchmarks.scale import measure


@pytest.mark.heavy
def test_a_hub_finds_the_servers_of_a_simulated_cluster_again():
    metrics = measure(servers=4, quiet_seconds=0.1, requests=5, tell=lambda _: None).metrics
    values = {name: value for name, value in metrics.items() if not isinstance(value, Under)}
    assert values["ready"] == 4
    assert values["mib"] > 0
    assert values["found_s"] >= values["restart_s"] > 0
