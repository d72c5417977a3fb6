"""YARN's diagnostics and refusals, translated for users into the errors of `failures`.

A server's user can choose the diagnostics: the application master runs as the user. So only a part
of long ones is searched, and patterns have no unlimited gap. Otherwise one text could keep the hub
busy for seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hadoop_client.printable import printable
from hadoop_client.yarn.records import ApplicationState
from yarnspawner import refusals
from yarnspawner.failures import (
    MAX_OUTPUT,
    AccountMissingError,
    ApplicationFailedError,
    ImpersonationError,
    LocalizationError,
    OptionsError,
    SpawnError,
    StartTimeoutError,
)

if TYPE_CHECKING:
    from hadoop_client.rpc.call import RpcError
    from hadoop_client.yarn.reports import ApplicationReport

#: The longest beginning and the longest end of diagnostics that are read, in characters. YARN's own
#: text with the end of a container's output is shorter.
MAX_PART = 8192

#: In the diagnostics of an ACCEPTED application whose container is on a node already.
CONTAINER_STARTED = "AM container is launched"

#: Begins the diagnostics of our application master after the server has ended.
OUTPUT_MARK = "The notebook server ended with "

#: The diagnostics of our application master if there was no server.
NOT_STARTED = re.compile(r"The notebook server (got no port|could not be started): .*")

#: Ends that may come at any time, whether the server was ready or not.
ENDED_BY_YARN = (
    (
        re.compile(r"beyond (the 'PHYSICAL'|physical) memory limit"),
        "The server used more memory than its container has, so YARN ended it. Start it again "
        "with more memory.",
    ),
    (
        re.compile(r"beyond (the 'VIRTUAL'|virtual) memory limit"),
        "The server reserved more virtual memory than its container may, so YARN ended it. Ask an "
        "administrator to set yarn.nodemanager.vmem-check-enabled = false on the nodes, or to "
        "raise yarn.nodemanager.vmem-pmem-ratio.",
    ),
    (
        re.compile(r"preempted by scheduler|exitCode: -102"),
        "YARN preempted the server's container for another queue. Start the server again, or ask "
        "an administrator for a queue without preemption.",
    ),
    (
        re.compile(r"has exceeded the lifetime period"),
        "The server reached its maximum lifetime, so YARN ended it. Start it again.",
    ),
    (
        re.compile(r"Application killed on recovery"),
        "The ResourceManager was restarted and no longer has the server's queue, so it ended the "
        "server. Choose another queue, or ask an administrator to restore this one.",
    ),
    (
        re.compile(r"\*lost\* node"),
        "YARN lost the server's node. Start the server again: it gets another node.",
    ),
)
ARCHIVE_SPOILT = re.compile(
    r"changed on src filesystem|Download and unpack failed|exitCode: -1000.{0,4000}does not exist",
    re.DOTALL,
)

#: Messages of container-executor, the setuid program of the LinuxContainerExecutor.
NO_ACCOUNT = re.compile(
    r"\bUser \S+ not found$|\bRequested user \S+ is banned$"
    r"|\bRequested user \S+ is not whitelisted and has id \d+, ?which is below the minimum "
    r".{0,200}\d$",
    re.MULTILINE,
)

#: The hub may not impersonate this user, or not from this host.
MAY_NOT_ACT = re.compile(r"is not allowed to impersonate|Unauthorized connection for super-user")

STDERR = re.compile(r"Last \d+ bytes of stderr :\n(.+?)(?:\n\n|\nFor more detail|\Z)", re.DOTALL)

#: YARN's phrases on the same line as the cause.
AROUND_THE_CAUSE = re.compile(
    r"Failing this attempt\.(Diagnostics: )?(\[[^]]*\])?|For more detailed output.*"
)
NOISE = re.compile(r"\s*(at [\w.$]+\(|\.\.\. \d+ more|\. Failing)")


def explain_refusal(error: RpcError, user: str) -> SpawnError:
    """Translate the ResourceManager's refusal of a submit for `user`."""
    if MAY_NOT_ACT.search(error.message):
        hook = ""
        if "@" in user or "\\" in user:
            hook = (
                " If the user has another name in Hadoop, ask for a mapping "
                "(c.YarnSpawner.hadoop_name_hook)."
            )
        return ImpersonationError(
            f"Hadoop does not let JupyterHub act for {user} ({error.message}). Ask an "
            "administrator to allow it with hadoop.proxyuser.* in the cluster's core-site.xml."
            + hook
        )
    known = refusals.explain(error.message, user)
    if known is not None:
        return known
    if error.name == "InvalidResourceRequestException":
        return OptionsError(f"YARN rejected the requested resources: {error.message}")
    return ApplicationFailedError(f"YARN rejected the application: {error.message}")


def explain_end(report: ApplicationReport | None) -> SpawnError:
    """Return why an application ended before its server was ready, from its last report."""
    if report is None:
        return ApplicationFailedError(
            "YARN no longer knows the server's application. Start the server again."
        )
    diagnostics = _diagnostics(report)
    if OUTPUT_MARK in diagnostics:
        sentence, _, output = diagnostics[diagnostics.index(OUTPUT_MARK) :].partition("\n")
        hint = (
            "The last lines of its output may show why:"
            if output
            else "It wrote no output. See its log in YARN."
        )
        return ApplicationFailedError(
            f"{sentence.rstrip('.')} before it was ready. {hint}", output.strip()
        )
    not_started = NOT_STARTED.search(diagnostics)
    if not_started:
        return ApplicationFailedError(f"{not_started[0].rstrip('.')}. Contact an administrator.")
    ended = _ended_by_yarn(diagnostics)
    if ended is not None:
        return ended
    refused = refusals.explain(diagnostics, report.user)
    if refused is not None:
        return refused
    no_account = NO_ACCOUNT.search(diagnostics)
    if no_account:
        return AccountMissingError(
            f"The node has no usable Unix account for this user ({no_account[0]}). Ask an "
            "administrator to give every node an account of that name, for example through LDAP "
            "or SSSD, with a UID of at least min.user.id and not listed in banned.users "
            "(container-executor.cfg)."
        )
    if ARCHIVE_SPOILT.search(diagnostics):
        return LocalizationError(
            "The node could not fetch the Python environment from HDFS. Publish it again with "
            "yarnhub pack-env, or ask an administrator to do so.",
            container_output(diagnostics),
        )
    if re.search(r"exitCode: -1000|[Ll]ocaliz", diagnostics):
        return LocalizationError(
            "The node could not prepare the server's container. Start the server again. If the "
            "problem persists, contact an administrator.",
            container_output(diagnostics),
        )
    if "No such file or directory" in diagnostics or "exitCode: 127" in diagnostics:
        return ApplicationFailedError(
            "The node has no Python at the path in c.YarnSpawner.python_env. Ask an administrator "
            "to correct the path, or to publish an environment with yarnhub pack-env.",
            container_output(diagnostics),
        )
    return ApplicationFailedError(
        f"YARN ended the server before it was ready ({report.state.name}).",
        container_output(diagnostics),
    )


def explain_timeout(seconds: float, report: ApplicationReport | None) -> StartTimeoutError:
    """Return how far a start was when its time was over; `report` is the last one, if any."""
    late = f"The server was not ready within {seconds:.0f} seconds"
    if report is None:
        return StartTimeoutError(f"{late}, and YARN reported no reason. Contact an administrator.")
    # Under skein a server is RUNNING before it listens.
    running = report.state is ApplicationState.RUNNING
    if running or CONTAINER_STARTED in report.diagnostics:
        return StartTimeoutError(
            f"{late}: it is on its node, but does not listen yet. Try again, or ask an "
            "administrator to raise c.YarnSpawner.start_timeout.",
            one_line(report.diagnostics),
        )
    return StartTimeoutError(
        f"{late}: it is waiting in queue {report.queue.removeprefix('root.')} "
        f"({report.state.name}). Try again later, or with less memory and fewer cores.",
        one_line(report.diagnostics),
    )


def _diagnostics(report: ApplicationReport) -> str:
    """Return a report's diagnostics, without the middle of long ones."""
    text = report.diagnostics.strip()
    return text if len(text) <= 2 * MAX_PART else f"{text[:MAX_PART]}\n{text[-MAX_PART:]}"


def _ended_by_yarn(diagnostics: str) -> SpawnError | None:
    for pattern, sentence in ENDED_BY_YARN:
        if pattern.search(diagnostics):
            return ApplicationFailedError(sentence)
    if "killed by user" in diagnostics.lower():
        return ApplicationFailedError(f"The server was stopped: {one_line(diagnostics)}")
    return None


def cause_of_end(report: ApplicationReport | None) -> str:
    """Return in one line why a server that had been ready has ended."""
    if report is None:
        return "YARN no longer knows its application."
    diagnostics = _diagnostics(report)
    if OUTPUT_MARK in diagnostics:
        return one_line(diagnostics[diagnostics.index(OUTPUT_MARK) :])
    ended = _ended_by_yarn(diagnostics)
    if ended is not None:
        return ended.sentence
    output = " ".join(container_output(diagnostics).split())
    return one_line(f"YARN ended it ({report.state.name})" + (f": {output}" if output else ""))


def one_line(text: str) -> str:
    """Return the first line as a sentence, without the Java stack that may follow it.

    Control characters become visible.
    """
    line = printable(text.strip().partition("\n")[0].strip())
    return line if not line or line.endswith(".") else line + "."


def container_output(diagnostics: str) -> str:
    """Return the container's own output from the diagnostics of its end.

    If it wrote nothing, return YARN's message without Java's stack and YARN's set phrases.
    """
    stderr = STDERR.search(diagnostics)
    if stderr:
        return stderr[1].strip()[-MAX_OUTPUT:]
    lines = [line.rstrip() for line in AROUND_THE_CAUSE.sub("", diagnostics).splitlines()]
    return "\n".join(line for line in lines if line and not NOISE.match(line))[-MAX_OUTPUT:]
