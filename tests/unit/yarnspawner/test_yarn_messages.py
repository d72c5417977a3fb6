from __future__ import annotations

import subprocess
import sys

import pytest

from hadoop_client.rpc.call import RpcError
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.failures import (
    AccountMissingError,
    ApplicationFailedError,
    ImpersonationError,
    LocalizationError,
    OptionsError,
    QueueError,
)
from yarnspawner.yarn_messages import explain_end, explain_refusal, explain_timeout

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

#: Its cause stands on one line with YARN's own phrases.
AN_ATTEMPT = (
    "Application application_1_0001 failed 1 times (global limit =2; local limit is =1) due to AM "
    "Container for appattempt_1_0001_000001 exited with  exitCode: {code}\n"
    "Failing this attempt.Diagnostics: {cause}For more detailed output, check the application "
    "tracking page: http://localhost:8088/cluster/app/1 Then click on links to logs of each "
    "attempt.\n. Failing the application."
)
PREEMPTED = AN_ATTEMPT.format(code=-102, cause="Container preempted by scheduler")
TOO_MUCH = (
    "[2026-11-23 06:00:00.000]Container [pid=1,containerID=container_1_0001_01_000001] is running "
    "4096B beyond the '{kind}' memory limit. Current usage: 1 MB of 1 GB physical memory used; "
    "3 GB of 2.1 GB virtual memory used. Killing container.\n"
)
OF_VIRTUAL_MEMORY = AN_ATTEMPT.format(code=-103, cause=TOO_MUCH.format(kind="VIRTUAL"))
OF_PHYSICAL_MEMORY = AN_ATTEMPT.format(code=-104, cause=TOO_MUCH.format(kind="PHYSICAL"))
OF_FULL_DISKS = AN_ATTEMPT.format(
    code=-1000,
    cause="[2026-11-23 06:00:00.000]No space available in any of the local directories.\n",
)
OF_A_LOST_NODE = "Application failed 1 times due to *lost* node node1:8041"
# As the LinuxContainerExecutor has it: `check_user` of container-executor.c says the last line.
OF_AN_ACCOUNT = """\
Application application_1_0001 failed 1 times due to AM Container for appattempt_1_0001_000001 \
exited with  exitCode: -1000
Failing this attempt.Diagnostics: [2026-11-23 06:00:00.000]Application application_1_0001 \
initialization failed (exitCode=255) with output: main : command provided 0
main : run as user is alice
main : requested yarn user is alice
{}

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
    assert isinstance(failure, ApplicationFailedError)
    assert failure.sentence == (
        "The notebook server ended with exit code 1 before it was ready. "
        "The last lines of its output may show why:"
    )
    assert failure.output.endswith("No module named 'tornado'")


@pytest.mark.parametrize(
    ("diagnostics", "kind", "word"),
    [
        (OF_AN_UNKNOWN_QUEUE, QueueError, "there is no queue nope"),
        (OF_A_MISSING_PYTHON, ApplicationFailedError, "python_env"),
        ("Resource hdfs://nn/a.tar.gz changed on src filesystem", LocalizationError, "pack-env"),
        (OF_FULL_DISKS, LocalizationError, "could not prepare"),
        (PREEMPTED, ApplicationFailedError, "another queue"),
        (OF_VIRTUAL_MEMORY, ApplicationFailedError, "vmem-check-enabled"),
        (OF_PHYSICAL_MEMORY, ApplicationFailedError, "Start it again with more memory"),
        (OF_A_LOST_NODE, ApplicationFailedError, "lost the server's node"),
        ("Application was killed by user alice at 127.0.0.1", ApplicationFailedError, "stopped"),
        ("", ApplicationFailedError, "FAILED"),
    ],
)
def test_each_end_has_its_reason(diagnostics, kind, word):
    failure = explain_end(failed(diagnostics))
    assert isinstance(failure, kind)
    assert word in failure.sentence


@pytest.mark.parametrize(
    "line",
    [
        "User alice not found",
        "Requested user alice is not whitelisted and has id 999,which is below the minimum allowed "
        "1000",
        "Requested user alice is banned",
    ],
)
def test_who_has_no_account_on_the_node_is_not_told_to_publish_an_environment(line):
    failure = explain_end(failed(OF_AN_ACCOUNT.format(line)))
    assert isinstance(failure, AccountMissingError)
    assert f"({line})" in failure.sentence
    assert "pack-env" not in failure.sentence
    assert failure.output == ""


def test_a_user_who_is_not_found_by_the_servers_own_program_is_its_own_affair():
    failure = explain_end(failed(f"{OF_A_SERVER}\nUser alice not found"))
    assert isinstance(failure, ApplicationFailedError)


def test_of_all_that_yarn_says_the_containers_own_words_are_shown():
    output = explain_end(failed(OF_A_MISSING_PYTHON)).output
    assert output == "/bin/bash: line 1: /opt/nothing/bin/python: No such file or directory"


def test_of_yarns_own_words_the_cause_is_left():
    output = explain_end(failed(OF_FULL_DISKS)).output
    assert output.splitlines()[1:] == ["No space available in any of the local directories."]


@pytest.mark.parametrize(
    "cause",
    [
        "File does not exist: hdfs://nn/apps/lab.tar.gz\n",
        "[2026-11-26 09:08:42.243]Failed to download resource { { hdfs://nn/apps/lab.tar.gz, 1, "
        "ARCHIVE, null },pending,[(container_1_0003_01_000001)],1,DOWNLOADING} "
        "org.apache.hadoop.yarn.exceptions.YarnException: Download and unpack failed\n",
    ],
)
def test_only_an_archive_that_is_spoilt_is_to_be_published_again(cause):
    assert "pack-env" in explain_end(failed(AN_ATTEMPT.format(code=-1000, cause=cause))).sentence
    assert "pack-env" not in explain_end(failed(OF_FULL_DISKS)).sentence


def test_a_server_that_ends_at_once_without_a_failure_is_not_said_to_be_ended_by_yarn():
    report = ApplicationReport(
        state=ApplicationState.FINISHED, final_status=FinalStatus.SUCCEEDED, diagnostics=""
    )
    sentence = "The notebook server ended with exit code 0 before it was ready."
    assert explain_end(report).sentence == f"{sentence} See its log in YARN."


def test_an_application_that_yarn_has_forgotten_is_told_so():
    assert "no longer knows" in explain_end(None).sentence


@pytest.mark.parametrize(
    ("name", "message", "kind"),
    [
        (
            "org.apache.hadoop.security.authorize.AuthorizationException",
            "User: jupyterhub is not allowed to impersonate mallory",
            ImpersonationError,
        ),
        (
            "org.apache.hadoop.security.authorize.AuthorizationException",
            "Unauthorized connection for super-user: jupyterhub from IP /127.0.0.9",
            ImpersonationError,
        ),
        (
            "org.apache.hadoop.yarn.exceptions.InvalidResourceRequestException",
            "Invalid resource request! Cannot allocate containers",
            OptionsError,
        ),
        ("org.apache.hadoop.yarn.exceptions.YarnException", "No.", ApplicationFailedError),
    ],
)
def test_each_refusal_has_its_reason(name, message, kind):
    failure = explain_refusal(RpcError(name, message), "mallory")
    assert isinstance(failure, kind)
    assert message.rstrip(".") in failure.sentence


@pytest.mark.parametrize(
    ("user", "names_the_hook"), [("dana@corp.example", True), (r"corp\erin", True), ("dana", False)]
)
def test_a_refused_impersonation_names_the_hook_for_a_name_with_a_domain(user, names_the_hook):
    message = f"User: hub is not allowed to impersonate {user}"
    sentence = explain_refusal(RpcError("AuthorizationException", message), user).sentence
    assert "hadoop.proxyuser.*" in sentence
    assert ("c.YarnSpawner.hadoop_name_hook" in sentence) is names_the_hook


def test_no_java_stack_reaches_the_page():
    stack = "java.io.IOException: broken\n\tat org.apache.hadoop.Foo.bar(Foo.java:1)\n\t... 3 more"
    assert explain_end(failed(stack)).output == "java.io.IOException: broken"


def test_a_timeout_tells_what_yarn_was_doing():
    waiting = ApplicationReport(
        application_id=ApplicationId.parse("application_1_0001"),
        state=ApplicationState.ACCEPTED,
        diagnostics="[Mon Nov 23] Application is added to the scheduler and is not yet activated.",
    )
    failure = explain_timeout(300, waiting)
    assert "300 seconds" in failure.sentence
    assert "ACCEPTED" in failure.sentence
    assert "not yet activated" in failure.output


def test_a_timeout_of_what_runs_does_not_speak_of_the_queue():
    """Under skein a server is RUNNING before it listens, and YARN says nothing of it."""
    running = ApplicationReport(
        application_id=ApplicationId.parse("application_1_0001"), state=ApplicationState.RUNNING
    )
    failure = explain_timeout(300, running)
    assert "is on its node, but does not listen yet" in failure.sentence


def test_a_timeout_tells_of_a_hub_that_may_not_look():
    hidden = ApplicationReport(
        application_id=ApplicationId.parse("application_1_0001"),
        state=ApplicationState.RUNNING,
        host="N/A",
        port=-1,
    )
    failure = explain_timeout(300, hidden)
    assert "it runs, but YARN does not show its address to JupyterHub" in failure.sentence
    assert "c.YarnSpawner.viewers" in failure.sentence


#: What a pattern with unlimited gaps would take hours for, repeated.
SLOW = (
    "queue ",
    "a.",
    "exitCode: -1000 ",
    "Requested user x is not whitelisted and has id 1,which is below the minimum ",
    "Failing this attempt.[",
    "Last 1 bytes of stderr :\n",
    "beyond the 'PHYSICAL' ",
    " ",
    "\n",
)


def test_no_text_of_a_server_keeps_the_hub_busy():
    program = f"""
from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.progress import describe
from yarnspawner.endings import end_of
from yarnspawner.yarn_messages import explain_end, explain_timeout

for part in {SLOW!r}:
    text = "unknown queue " + part * 500_000
    report = ApplicationReport(state=ApplicationState.FAILED, diagnostics=text)
    explain_end(report), end_of(report), explain_timeout(1.0, report)
    describe(ApplicationReport(state=ApplicationState.ACCEPTED, diagnostics=text), None)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_cause_is_found_at_either_end_of_long_diagnostics():
    filling = "x" * 100_000
    for diagnostics in (f"*lost* node {filling}", f"{filling} *lost* node"):
        report = ApplicationReport(state=ApplicationState.FAILED, diagnostics=diagnostics)
        assert "lost the server's node" in explain_end(report).sentence
