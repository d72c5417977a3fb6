"""Each of Hadoop's refusals is explained in a sentence that names who has to act."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.printable import MAX_CHARACTERS, printable
from hadoop_client.rpc.call import RpcError
from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from tests.unit.yarnspawner import refusal_messages as hadoop
from tests.unit.yarnspawner.refusal_messages import APP
from yarnspawner.endings import end_of
from yarnspawner.failures import (
    ApplicationFailedError,
    ImpersonationError,
    OptionsError,
    QueueError,
    SpawnError,
)
from yarnspawner.refusals import REFUSALS, Refusal, explain, strip
from yarnspawner.yarn_messages import explain_end, explain_refusal

PREFIX = "YARN rejected the submission: "
MESSAGES = [
    (message, error, sentence)
    for error, group in [
        (QueueError, hadoop.QUEUES + hadoop.PLACEMENT + hadoop.ROUTER_QUEUES),
        (OptionsError, hadoop.RESOURCES + hadoop.ROUTER_SIZE),
        (ApplicationFailedError, hadoop.APPLICATION + hadoop.ROUTER),
        (ImpersonationError, hadoop.NOT_ALLOWED),
    ]
    for message, sentence in group
]


def report(diagnostics: str) -> ApplicationReport:
    return ApplicationReport(
        application_id=ApplicationId.parse(APP),
        user="alice",
        state=ApplicationState.FAILED,
        diagnostics=diagnostics,
    )


@pytest.mark.parametrize(("message", "error", "sentence"), MESSAGES)
def test_a_refusal_is_explained_at_the_submit_and_after_it(
    message: str, error: type[SpawnError], sentence: str
):
    refused = explain_refusal(RpcError("org.apache.hadoop.YarnException", message), "alice")
    ended = explain_end(report(message))
    assert type(refused) is type(ended) is error
    assert refused.sentence == ended.sentence == PREFIX + sentence


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.sentence)
def test_each_refusal_has_a_message_here_and_names_who_has_to_act(refusal: Refusal):
    assert any(re.match(refusal.message, strip(message)) for message, *_ in MESSAGES)
    user = "Request less", "Choose ", "choose ", "Try again later", "Start the server again"
    administrator = "Ask an administrator", "ask an administrator"
    assert any(word in refusal.sentence for word in user + administrator)


def test_what_yarns_client_puts_around_a_message_is_left_out():
    """skein submits with it."""
    message = f"Queue root.lab is STOPPED. Cannot accept submission of application: {APP}"
    wrapped = (
        f"org.apache.hadoop.yarn.exceptions.YarnException: Failed to submit {APP} to YARN : "
        f"org.apache.hadoop.security.AccessControlException: {message}"
    )
    assert explain(wrapped, "alice").sentence == explain(message, "alice").sentence


def test_the_output_of_a_container_is_not_a_refusal():
    output = (
        f"Application {APP} failed 1 times due to AM Container exited with  exitCode: 1\n"
        "root.teams is not a leaf queue\nQueue root.lab is STOPPED. Cannot accept submission"
    )
    assert type(explain_end(report(output))) is ApplicationFailedError


@pytest.mark.parametrize(
    "message",
    [
        # 2.10 to 3.5, ClientRMService: only for configurations and tags that servers do not have
        "Exceed yarn.resourcemanager.delegation-token.max-conf-size-bytes = 12800 bytes, current "
        "conf size = 20000 bytes.",
        'java.lang.NumberFormatException: For input string: "x"',
        # 2.10 to 3.5, both schedulers: only with a reservation
        f"Application {APP} submitted to a reservation which is not currently active: r1",
        f"Application {APP} submitted to a reservation which is not yet currently active: r1",
        f"Application:{APP} submitted to a reservation r1 which does not belong to the specified "
        "queue: lab",
        # 2.10 to 3.5, RMAppManager: only for requests that servers do not make
        "Invalid resource request, no resources requested",
        "Invalid resource request, only one resource request with * is allowed",
        "Invalid resource request, no resource request specified with *",
        # 3.2 to 3.5, InvalidResourceRequestException
        "Invalid resource request! Cannot allocate containers as requested resource is less than "
        "0! Requested resource type=[vcores], Requested resource=<memory:1, vCores:-1>",
        "Invalid resource request! Cannot allocate containers for an unknown reason! Requested "
        "resource type=[vcores], Requested resource=<memory:1, vCores:1>",
    ],
)
def test_a_refusal_that_only_a_hook_can_cause_is_passed_on(message: str):
    assert explain(message, "alice") is None
    assert message in explain_refusal(RpcError("YarnException", message), "alice").sentence
    name = "org.apache.hadoop.yarn.exceptions.InvalidResourceRequestException"
    assert isinstance(explain_refusal(RpcError(name, message), "alice"), OptionsError)


@given(st.text(max_size=3 * MAX_CHARACTERS))
def test_an_unknown_message_is_passed_on_printable_and_bounded(message: str):
    error = RpcError("org.apache.hadoop.yarn.exceptions.YarnException", message)
    assert explain(error.message, "alice") is None
    sentence = explain_refusal(error, "alice").sentence
    assert sentence == printable("YARN rejected the application: " + error.message)
    assert len(sentence) <= MAX_CHARACTERS


@given(st.sampled_from(MESSAGES), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_known_message_stays_printable_and_bounded_with_any_text_after_it(known, text: str):
    sentence = explain_refusal(RpcError("YarnException", known[0] + text), "alice").sentence
    assert sentence == printable(sentence)


@pytest.mark.parametrize(
    ("diagnostics", "sentence"),
    [
        (  # 2.10 to 3.5, RMAppLifetimeMonitor
            "Application is killed by ResourceManager as it has exceeded the lifetime period.",
            "The server reached its maximum lifetime, so YARN ended it. Start it again.",
        ),
        *(
            (
                f"Application killed on recovery as it was submitted to queue lab which {why}",
                "The ResourceManager was restarted and no longer has the server's queue, so it "
                "ended the server. Choose another queue, or ask an administrator to restore this "
                "one.",
            )
            for why in [
                "no longer exists after restart.",  # 2.10 to 3.5
                "is no longer a leaf queue after restart.",  # 2.10 to 3.5
                "did not exist and could not be auto-created",  # 3.1 to 3.5
            ]
        ),
    ],
)
def test_an_end_by_the_resourcemanager_is_explained(diagnostics: str, sentence: str):
    assert explain_end(report(diagnostics)).sentence == sentence
    assert end_of(report(diagnostics)).sentence == sentence
