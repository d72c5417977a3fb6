"""YARN's diagnostics and refusals, translated for users into the errors of `failures`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hadoop_client.yarn.records import ApplicationState
from yarnspawner.failures import (
    AccountMissingError,
    ApplicationFailedError,
    ImpersonationError,
    LocalizationError,
    OptionsError,
    QueueError,
    SpawnError,
    StartTimeoutError,
)

if TYPE_CHECKING:
    from hadoop_client.rpc.call import RpcError
    from hadoop_client.yarn.reports import ApplicationReport

#: What YARN says of an accepted application whose container is on a node already.
CONTAINER_STARTED = "AM container is launched"
OUTPUT_MARK = "The notebook server ended with "
NOT_STARTED = re.compile(r"The notebook server (got no port|could not be started): .*")

#: What may happen to a server at any time, ready or not.
ENDED_BY_YARN = (
    (
        re.compile(r"beyond (the 'PHYSICAL'|physical) memory limit"),
        "The server used more memory than its container has, and YARN ended it: ask for more "
        "memory.",
    ),
    (
        re.compile(r"beyond (the 'VIRTUAL'|virtual) memory limit"),
        "The server reserved more virtual memory than its container may, and YARN ended it: an "
        "administrator has to set yarn.nodemanager.vmem-check-enabled = false on the nodes, or to "
        "raise yarn.nodemanager.vmem-pmem-ratio.",
    ),
    (
        re.compile(r"preempted by scheduler|exitCode: -102"),
        "YARN took the server's container for another queue, which has a right to it: start it "
        "again, or ask an administrator for a queue that is not preempted.",
    ),
    (
        re.compile(r"\*lost\* node"),
        "The node of the server is lost: start it again, and YARN gives it another one.",
    ),
)
ARCHIVE_SPOILT = re.compile(
    r"changed on src filesystem|Download and unpack failed|exitCode: -1000.*does not exist",
    re.DOTALL,
)
QUEUE_REFUSES = re.compile(
    r"unknown queue|submit applications to queue|queue .* stopped|cannot accept submission",
    re.IGNORECASE,
)

#: What the LinuxContainerExecutor's program says, which runs containers as their users.
NO_ACCOUNT = re.compile(
    r"\bUser \S+ not found$|\bRequested user \S+ is banned$"
    r"|\bRequested user \S+ is not whitelisted and has id \d+, ?which is below the minimum .*\d$",
    re.MULTILINE,
)

#: For that person, or from that host.
MAY_NOT_ACT = re.compile(r"is not allowed to impersonate|Unauthorized connection for super-user")
EXCEPTION = re.compile(r"([\w$]+\.)+\w+Exception: ")
MAX_OUTPUT = 4096
STDERR = re.compile(r"Last \d+ bytes of stderr :\n(.+?)(?:\n\n|\nFor more detail|\Z)", re.DOTALL)

#: YARN's phrases on the very line of the cause.
AROUND_THE_CAUSE = re.compile(
    r"Failing this attempt\.(Diagnostics: )?(\[[^]]*\])?|For more detailed output.*"
)
NOISE = re.compile(r"\s*(at [\w.$]+\(|\.\.\. \d+ more|\. Failing)")


def explain_refusal(error: RpcError, user: str) -> SpawnError:
    """Say what the ResourceManager meant by refusing a submit for `user`."""
    if MAY_NOT_ACT.search(error.message):
        return ImpersonationError(
            f"Hadoop does not let JupyterHub act for {user}: an administrator has to allow it by "
            f"hadoop.proxyuser.* in the cluster's core-site.xml ({error.message})."
        )
    if error.name == "InvalidResourceRequestException":
        return OptionsError(f"YARN refused the resources that were asked for: {error.message}")
    if "queue" in error.message:
        return explain_queue(error.message)
    return ApplicationFailedError(f"YARN refused the application: {error.message}")


def explain_queue(diagnostics: str) -> QueueError:
    """Say that the queue can't be used, with YARN's own words."""
    said = EXCEPTION.sub("", one_line(diagnostics))
    return QueueError(
        f"YARN did not take the server into its queue: {said} Choose another queue, or ask an "
        "administrator for access to this one."
    )


def explain_end(report: ApplicationReport | None) -> SpawnError:
    """Say why an application ended before its server was ready, from its last report."""
    if report is None:
        return ApplicationFailedError(
            "YARN no longer knows the server's application: start it again."
        )
    diagnostics = report.diagnostics.strip()
    if OUTPUT_MARK in diagnostics:
        sentence, _, output = diagnostics[diagnostics.index(OUTPUT_MARK) :].partition("\n")
        hint = "Its last lines may say why:" if output else "It said nothing; see its log in YARN."
        return ApplicationFailedError(
            f"{sentence.rstrip('.')} before it was ready. {hint}", output.strip()
        )
    not_started = NOT_STARTED.search(diagnostics)
    if not_started:
        return ApplicationFailedError(f"{not_started[0].rstrip('.')}. Tell an administrator.")
    ended = _ended_by_yarn(diagnostics)
    if ended is not None:
        return ended
    if QUEUE_REFUSES.search(diagnostics):
        return explain_queue(diagnostics)
    no_account = NO_ACCOUNT.search(diagnostics)
    if no_account:
        return AccountMissingError(
            f"The node can't run anything as this user ({no_account[0]}): an administrator has to "
            "give every node a Unix account of that name, as LDAP or SSSD does, with a number of "
            "at least min.user.id and not among banned.users (container-executor.cfg)."
        )
    if ARCHIVE_SPOILT.search(diagnostics):
        return LocalizationError(
            "The node could not fetch the Python environment from HDFS: publish it again with "
            "yarnhub pack-env, or ask an administrator.",
            container_output(diagnostics),
        )
    if re.search(r"exitCode: -1000|[Ll]ocaliz", diagnostics):
        return LocalizationError(
            "The node could not prepare the server's container: start it again, and tell an "
            "administrator if it stays so.",
            container_output(diagnostics),
        )
    if "No such file or directory" in diagnostics or "exitCode: 127" in diagnostics:
        return ApplicationFailedError(
            "The node has no Python where c.YarnSpawner.python_env says: an administrator has to "
            "correct the path, or publish an environment with yarnhub pack-env.",
            container_output(diagnostics),
        )
    return ApplicationFailedError(
        f"YARN ended the server before it was ready ({report.state.name}).",
        container_output(diagnostics),
    )


def explain_timeout(seconds: float, report: ApplicationReport | None) -> StartTimeoutError:
    """Say what YARN was doing when the time was over."""
    late = f"The server was not ready within {seconds:.0f} seconds"
    if report is None:
        return StartTimeoutError(f"{late}, and YARN does not tell why: ask an administrator.")
    # One that skein started runs before it listens.
    running = report.state is ApplicationState.RUNNING
    if running or CONTAINER_STARTED in report.diagnostics:
        return StartTimeoutError(
            f"{late}: its environment or JupyterLab takes too long to start on the node. Try "
            "again, or ask an administrator to raise c.YarnSpawner.start_timeout.",
            one_line(report.diagnostics),
        )
    return StartTimeoutError(
        f"{late}: it waits in queue {report.queue.removeprefix('root.')} "
        f"({report.state.name}). Try again later, or "
        "ask for less memory and fewer cores.",
        one_line(report.diagnostics),
    )


def _ended_by_yarn(diagnostics: str) -> SpawnError | None:
    for pattern, sentence in ENDED_BY_YARN:
        if pattern.search(diagnostics):
            return ApplicationFailedError(sentence)
    if "killed by user" in diagnostics.lower():
        return ApplicationFailedError(f"The server was stopped: {one_line(diagnostics)}")
    return None


def cause_of_end(report: ApplicationReport | None) -> str:
    """Say in a line why a server that had been ready has ended, for the hub's log."""
    if report is None:
        return "YARN no longer knows its application."
    diagnostics = report.diagnostics.strip()
    if OUTPUT_MARK in diagnostics:
        return one_line(diagnostics[diagnostics.index(OUTPUT_MARK) :])
    ended = _ended_by_yarn(diagnostics)
    if ended is not None:
        return ended.sentence
    said = " ".join(container_output(diagnostics).split())
    return one_line(f"YARN ended it ({report.state.name})" + (f": {said}" if said else ""))


def one_line(text: str) -> str:
    """Return the first line of what YARN says, without a Java stack, as a sentence."""
    line = text.strip().partition("\n")[0].strip()
    return line if not line or line.endswith(".") else line + "."


def container_output(diagnostics: str) -> str:
    """Return what the container itself wrote, from among all that YARN tells of its end.

    Where it wrote nothing, what YARN says, without Java's stack and YARN's own phrases.
    """
    wrote = STDERR.search(diagnostics)
    if wrote:
        return wrote[1].strip()[-MAX_OUTPUT:]
    lines = [line.rstrip() for line in AROUND_THE_CAUSE.sub("", diagnostics).splitlines()]
    return "\n".join(line for line in lines if line and not NOISE.match(line))[-MAX_OUTPUT:]
