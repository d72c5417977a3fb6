"""Why a server has ended: one sentence of what YARN or the hub reported, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.printable import printable
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.endings import End, Requester, end_of, stopped_in_hub

ATTEMPT = (
    "Application application_1_0001 failed 1 times due to AM Container for appattempt_1_0001_000001"
    " exited with  exitCode: {code}\nFailing this attempt.Diagnostics: {cause}. Failing the "
    "application."
)
MEMORY = ATTEMPT.format(
    code=-104,
    cause="[2026-11-23 06:00:00.000]Container [pid=1,containerID=container_1_0001_01_000001] is "
    "running 4096B beyond the 'PHYSICAL' memory limit. Current usage: 1.1 GB of 1 GB physical "
    "memory used; 3 GB of 2.1 GB virtual memory used. Killing container.\n",
)
KILLED = "Application application_1_0001 was killed by user {}"


def ended(diagnostics: str, **fields: object) -> End:
    report = ApplicationReport(
        application_id=ApplicationId.parse("application_1_0001"),
        state=ApplicationState.FAILED,
        diagnostics=diagnostics,
        finish_time=1_700_000_000_000,
    )
    return end_of(replace(report, **fields))


@pytest.mark.parametrize(
    ("diagnostics", "reason", "part"),
    [
        (MEMORY, "memory", "than its container has (1.1 GiB of 1 GiB), so YARN ended it."),
        ("is running beyond physical memory limits", "memory", "than its container has, so"),
        ("running beyond the 'VIRTUAL' memory limit", "virtual-memory", "virtual memory"),
        (ATTEMPT.format(code=-102, cause="Container preempted by scheduler"), "preempted", "queue"),
        (
            "killed by ResourceManager as it has exceeded the lifetime period.",
            "lifetime",
            "maximum",
        ),
        ("Application killed on recovery of application", "recovery", "restarted"),
        ("Application failed 1 times due to *lost* node node1:8041", "node-lost", "lost the"),
        (KILLED.format("root at 10.0.0.1"), "killed", "The user root stopped the server in YARN."),
        (
            KILLED.format("bob at 10.0.0.1 with diagnostic message: Ended by an administrator."),
            "killed",
            "The server was stopped in YARN: Ended by an administrator.",
        ),
        ("The notebook server ended with exit code 3.\nlast", "exited", "exit code 3."),
        ("", "unknown", "YARN ended the server (FAILED)."),
    ],
)
def test_the_reason_is_what_yarn_reported(diagnostics: str, reason: str, part: str) -> None:
    end = ended(diagnostics)
    assert end.reason == reason
    assert part in end.sentence
    assert end.ended_ms == 1_700_000_000_000
    assert not end.is_expected
    assert "\n" not in end.line


def test_the_last_lines_of_a_server_that_ended_by_itself_are_its_output() -> None:
    end = ended("The notebook server ended with signal 9.\nfirst\nlast\n")
    assert (end.sentence, end.output) == ("The notebook server ended with signal 9.", "first\nlast")
    assert end.line == "The notebook server ended with signal 9. first last"


def test_a_shutdown_from_within_is_expected() -> None:
    end = ended("", state=ApplicationState.FINISHED, final_status=FinalStatus.SUCCEEDED)
    assert (end.reason, end.is_expected) == ("shutdown", True)


def test_yarn_may_have_forgotten_the_application() -> None:
    assert end_of(None).reason == "forgotten"


@pytest.mark.parametrize(
    ("requester", "reason", "sentence"),
    [
        (Requester("alice"), "stopped", "The server was stopped by its user."),
        (Requester("root"), "stopped-by-other", "The user root stopped the server in JupyterHub."),
        (
            Requester("backup", is_service=True),
            "stopped-by-service",
            "The service backup of JupyterHub stopped the server.",
        ),
        (
            Requester("idle-culler", is_service=True),
            "stopped-by-service",
            "The service idle-culler of JupyterHub stopped the server. It stops servers that have "
            "been idle for some time.",
        ),
        (None, "stopped-by-hub", "JupyterHub stopped the server."),
    ],
)
def test_a_stop_names_who_asked_for_it(
    requester: Requester | None, reason: str, sentence: str
) -> None:
    end = stopped_in_hub("alice", requester)
    assert (end.reason, end.sentence) == (reason, sentence)


@given(st.text(max_size=300))
def test_no_text_of_a_server_acts_on_a_terminal_or_stays_out_of_the_state(text: str) -> None:
    for diagnostics in (
        text,
        f"The notebook server ended with {text}\n{text}",
        KILLED.format(f"{text} with diagnostic message: {text}"),
        f"{MEMORY}{text}",
    ):
        end = ended(diagnostics)
        assert end.sentence == printable(end.sentence)
        assert len(end.output) <= 4096
        assert End.of_state(end.to_state()) == end


@pytest.mark.parametrize("state", [None, {}, {"reason": "memory", "of": "a later release"}, "x"])
def test_a_state_that_has_no_end_of_this_release_is_none(state: object) -> None:
    assert End.of_state(state) is None
