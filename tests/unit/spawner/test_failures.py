from __future__ import annotations

import re

import pytest
from tornado import web

from yarnspawner.failures import (
    ApplicationFailed,
    ClusterUnavailable,
    ImpersonationRefused,
    LocalizationFailed,
    OptionsRefused,
    QueueRefused,
    StartTimeout,
    explain_end,
    explain_refusal,
)
from yarnspawner.hadoop.records import (
    ApplicationId,
    ApplicationState,
)
from yarnspawner.hadoop.reports import ApplicationReport
from yarnspawner.hadoop.rpc import RpcError

# What a ResourceManager of Hadoop 3.4.2 said, word for word.
OF_A_SERVER = (
    "The notebook server ended with exit code 1.\n"
    "Traceback (most recent call last):\nModuleNotFoundError: No module named 'tornado'"
)
OF_AN_UNKNOWN_QUEUE = (
    "Application application_1_0001 submitted by user alice to unknown queue: nope"
)
OF_A_MISSING_PYTHON = """\
Application application_1_0001 failed 1 times due to AM Container for appattempt_1_0001_000001 \
exited with  exitCode: 127
Failing this attempt.Diagnostics: [2026-11-23 06:00:00.000]Exception from container-launch.
Container id: container_1_0001_01_000001
Exit code: 127

[2026-11-23 06:00:00.000]Container exited with a non-zero exit code 127. Error file: prelaunch.err.
Last 4096 bytes of prelaunch.err :
Last 4096 bytes of stderr :
/bin/bash: line 1: /opt/nothing/bin/python: No such file or directory


[2026-11-23 06:00:00.100]Container exited with a non-zero exit code 127. Error file: prelaunch.err.
Last 4096 bytes of prelaunch.err :
Last 4096 bytes of stderr :
/bin/bash: line 1: /opt/nothing/bin/python: No such file or directory


For more detailed output, check the application tracking page: http://localhost:8088/cluster/app/1
. Failing the application.
"""


def failed(diagnostics: str) -> ApplicationReport:
    return ApplicationReport(
        application_id=ApplicationId.parse("application_1_0001"),
        state=ApplicationState.FAILED,
        diagnostics=diagnostics,
    )


def test_a_server_that_fails_is_told_with_its_own_last_lines():
    failure = explain_end(failed(OF_A_SERVER))
    assert isinstance(failure, ApplicationFailed)
    assert failure.sentence == (
        "The notebook server ended with exit code 1 before it was ready. "
        "Its last lines may say why:"
    )
    assert failure.output.endswith("No module named 'tornado'")


@pytest.mark.parametrize(
    ("diagnostics", "kind", "word"),
    [
        (OF_AN_UNKNOWN_QUEUE, QueueRefused, "unknown queue: nope"),
        (OF_A_MISSING_PYTHON, ApplicationFailed, "python_env"),
        ("Resource hdfs://nn/a.tar.gz changed on src filesystem", LocalizationFailed, "pack-env"),
        ("Application was killed by user alice at 127.0.0.1", ApplicationFailed, "stopped"),
        ("", ApplicationFailed, "FAILED"),
    ],
)
def test_each_end_has_its_reason(diagnostics, kind, word):
    failure = explain_end(failed(diagnostics))
    assert isinstance(failure, kind)
    assert word in failure.sentence


def test_of_all_that_yarn_says_the_containers_own_words_are_shown():
    output = explain_end(failed(OF_A_MISSING_PYTHON)).output
    assert output == "/bin/bash: line 1: /opt/nothing/bin/python: No such file or directory"


def test_an_application_that_yarn_has_forgotten_is_told_so():
    assert "no longer knows" in explain_end(None).sentence


@pytest.mark.parametrize(
    ("name", "message", "kind"),
    [
        (
            "org.apache.hadoop.security.authorize.AuthorizationException",
            "User: jupyterhub is not allowed to impersonate mallory",
            ImpersonationRefused,
        ),
        (
            "org.apache.hadoop.security.authorize.AuthorizationException",
            "Unauthorized connection for super-user: jupyterhub from IP /127.0.0.9",
            ImpersonationRefused,
        ),
        (
            "org.apache.hadoop.yarn.exceptions.InvalidResourceRequestException",
            "Invalid resource request! Cannot allocate containers",
            OptionsRefused,
        ),
        (
            "org.apache.hadoop.yarn.exceptions.YarnException",
            "User alice does not have permission to submit application_1_0001 to queue prod",
            QueueRefused,
        ),
        ("org.apache.hadoop.yarn.exceptions.YarnException", "No.", ApplicationFailed),
    ],
)
def test_each_refusal_has_its_reason(name, message, kind):
    failure = explain_refusal(RpcError(name, message), "mallory")
    assert isinstance(failure, kind)
    assert message.rstrip(".") in failure.sentence


@pytest.mark.parametrize(
    "kind",
    [
        OptionsRefused,
        QueueRefused,
        ImpersonationRefused,
        LocalizationFailed,
        ApplicationFailed,
        StartTimeout,
    ],
)
def test_what_a_user_may_cause_does_not_count_against_the_hub(kind):
    failure = kind("So it is.")
    assert isinstance(failure, web.HTTPError)
    assert failure.status_code < 500
    assert ClusterUnavailable("So it is.").status_code == 503


def test_a_page_shows_the_sentence_and_the_output_as_text():
    failure = ApplicationFailed("It <failed>.", "100 % <script>alert(1)</script>")
    assert failure.jupyterhub_message == str(failure)
    assert "<script>" not in failure.jupyterhub_html_message
    assert "&lt;script&gt;" in failure.jupyterhub_html_message
    # JupyterHub has it in a paragraph, which a block of ours would end.
    assert not re.search("<(p|pre|div)[ >]", failure.jupyterhub_html_message)
    assert failure.reason == "application"


def test_no_java_stack_reaches_the_page():
    stack = "java.io.IOException: broken\n\tat org.apache.hadoop.Foo.bar(Foo.java:1)\n\t... 3 more"
    assert explain_end(failed(stack)).output == "java.io.IOException: broken"


def test_a_timeout_tells_what_yarn_was_doing():
    waiting = ApplicationReport(
        application_id=ApplicationId.parse("application_1_0001"),
        state=ApplicationState.ACCEPTED,
        diagnostics="[Mon Nov 23] Application is added to the scheduler and is not yet activated.",
    )
    failure = StartTimeout.after(300, waiting)
    assert "300 seconds" in failure.sentence
    assert "ACCEPTED" in failure.sentence
    assert "not yet activated" in failure.output
