"""The memory in use travels to YARN as the progress of the application, and back to the hub."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.container.scheduler import FULL_BYTES
from yarnspawner.reported_memory import used_memory_mb
from yarnspawner.tags import APPLICATION_TYPE


def reported(progress: float, kind: str = APPLICATION_TYPE) -> ApplicationReport:
    return ApplicationReport(progress=progress, type=kind)


@given(st.integers(1, 1 << 19), st.floats(0.0, 1.0))
def test_an_amount_arrives_to_the_mebibyte(granted_mb: int, share: float) -> None:
    used_mb = round(granted_mb * share)
    (progress,) = struct.unpack("<f", struct.pack("<f", (used_mb << 20) / FULL_BYTES))
    assert used_memory_mb(reported(progress), granted_mb) == (used_mb or None)


@pytest.mark.parametrize(
    ("report", "granted_mb"),
    [
        (reported(0.0), 1024),
        (reported(0.5), 1024),
        (reported(1.0), 1024),
        (reported(0.0001), 0),
        (reported(0.0001, "skein"), 1024),
    ],
    ids=["none yet", "of an earlier release", "finished", "no container", "of skein"],
)
def test_another_progress_is_no_amount_of_memory(
    report: ApplicationReport, granted_mb: int
) -> None:
    assert used_memory_mb(report, granted_mb) is None
