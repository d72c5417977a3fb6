from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yarnspawner.launcher.port_endpoint import PortReport, ReportRefusedError, accept, path

EXPECTED = PortReport()


def report(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def refusal(
    expected: PortReport | None,
    body: bytes,
    port_range: tuple[int, int] | None = None,
) -> int:
    with pytest.raises(ReportRefusedError) as refused:
        accept(expected, body, port_range)
    return refused.value.status


@given(port=st.integers(1, 65535))
def test_a_port_is_accepted(port: int):
    accepted = accept(EXPECTED, report(port=port), None)
    assert accepted == PortReport(port)


def test_the_first_report_stays():
    accepted = accept(EXPECTED, report(port=1234), None)
    assert refusal(accepted, report(port=1234)) == 409
    assert refusal(accepted, report(port=4321)) == 409


def test_a_report_is_refused_if_the_server_is_not_waiting_for_one():
    assert refusal(None, report(port=1234)) == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"1234",
        b"[]",
        b"null",
        b"{}",
        b'{"port": "1234"}',
        b'{"port": 1234.0}',
        b'{"port": true}',
        b'{"port": null}',
        b'{"port": 1234, "host": "evil.example.com"}',
        b'{"port": 1234, "ip": "10.0.0.1"}',
        b'{"port": -1}',
        b'{"port": 0}',
        b'{"port": 65536}',
    ],
)
def test_anything_but_a_port_is_refused(body: bytes):
    assert refusal(EXPECTED, body) == 400


@given(body=st.binary())
def test_any_bytes_are_refused_with_status_400(body: bytes):
    assert refusal(EXPECTED, body) == 400


def test_a_body_nested_too_deeply_is_refused():
    assert refusal(EXPECTED, b"[" * 100_000) == 400


@given(port=st.integers(1, 65535))
def test_only_ports_in_the_range_are_accepted(port: int):
    first, last = 20000, 20100
    if first <= port <= last:
        assert accept(EXPECTED, report(port=port), (first, last)).port == port
    else:
        assert refusal(EXPECTED, report(port=port), (first, last)) == 400


def test_the_hubs_database_gets_the_report():
    accepted = accept(EXPECTED, report(port=1234), None)
    state = json.loads(json.dumps(accepted.to_state()))
    assert PortReport(**state) == accepted


def test_each_server_of_a_user_has_its_own_path():
    assert path("alice", "") == "users/alice/server/port"
    assert path("alice", "second") == "users/alice/servers/second/port"
