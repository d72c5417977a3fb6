"""A list of encoded reports reads like a dict of reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.wire import WireError
from hadoop_client.yarn.lazy_reports import LazyApplicationReports
from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport

ids = st.builds(ApplicationId, st.integers(0, 10**9 - 1), st.integers(0, 10**18 - 1))
reports = st.builds(
    ApplicationReport,
    application_id=ids,
    user=st.text(st.characters(exclude_categories=["Cs"])),
    port=st.integers(-1, 65535),
    state=st.sampled_from(ApplicationState),
)


@given(st.lists(reports))
def test_each_report_is_found_by_its_applications_id(
    given_reports: list[ApplicationReport],
) -> None:
    expected = {str(report.application_id): report for report in given_reports}
    listed = LazyApplicationReports([report.encode() for report in given_reports])
    assert dict(listed) == expected
    assert len(listed) == len(expected)


@pytest.mark.parametrize("name", ["application_1_0002", "application_1", "", "no id"])
def test_an_unknown_application_is_not_found(name: str) -> None:
    listed = LazyApplicationReports([ApplicationReport(ApplicationId(1, 1)).encode()])
    assert listed.get(name) is None
    assert name not in listed


def test_a_report_that_begins_with_another_field_is_found_too() -> None:
    report = ApplicationReport(ApplicationId(7, 1700000000000), user="alice")
    data = b"\x12\x05alice" + report.encode()
    assert LazyApplicationReports([data])["application_1700000000000_0007"] == report


@pytest.mark.parametrize("damaged", [b"\x0a", b"\x12", b"\x08"])
def test_a_damaged_report_is_a_wire_error(damaged: bytes) -> None:
    with pytest.raises(WireError):
        LazyApplicationReports([damaged])
