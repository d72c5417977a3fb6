"""YARN's diagnostics and refusals, translated for users into the errors of `failures`.

What is said of ends that may come at any time is in `endings`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.records import ApplicationState
from yarnspawner import refusals
from yarnspawner.endings import ended_by_yarn
from yarnspawner.failures import (
    AccountMissingError,
    ApplicationFailedError,
    ImpersonationError,
    LocalizationError,
    OptionsError,
    SpawnError,
    StartTimeoutError,
)
from yarnspawner.report_text import OUTPUT_MARK, container_output, diagnostics_of, one_line

if TYPE_CHECKING:
    from hadoop_client.rpc.call import RpcError
    from hadoop_client.yarn.reports import ApplicationReport

#: In the diagnostics of an ACCEPTED application whose container is on a node already.
CONTAINER_STARTED = "AM container is launched"

#: A report's host for a user who may not see the application.
HIDDEN = "N/A"

#: The diagnostics of our application master if there was no server.
NOT_STARTED = re.compile(r"The notebook server (got no port|could not be started): .*")

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
    diagnostics = diagnostics_of(report)
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
    if report.final_status is FinalStatus.SUCCEEDED:
        return ApplicationFailedError(
            "The notebook server ended with exit code 0 before it was ready. See its log in YARN."
        )
    not_started = NOT_STARTED.search(diagnostics)
    if not_started:
        return ApplicationFailedError(f"{not_started[0].rstrip('.')}. Contact an administrator.")
    ended = ended_by_yarn(report)
    if ended is not None:
        return ApplicationFailedError(ended.sentence)
    return (
        refusals.explain(diagnostics, report.user)
        or _explain_node(diagnostics)
        or ApplicationFailedError(
            f"The server's application ended before it was ready ({report.state.name}).",
            container_output(diagnostics),
        )
    )


def _explain_node(diagnostics: str) -> SpawnError | None:
    """Return what a node could not do for the container, or None if its diagnostics say nothing."""
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
    return None


def explain_timeout(seconds: float, report: ApplicationReport | None) -> StartTimeoutError:
    """Return how far a start was when its time was over; `report` is the last one, if any."""
    late = f"The server was not ready within {seconds:.0f} seconds"
    if report is None:
        return StartTimeoutError(f"{late}, and YARN reported no reason. Contact an administrator.")
    # Under skein a server is RUNNING before it listens.
    running = report.state is ApplicationState.RUNNING
    if running and report.port < 0 and report.host == HIDDEN:
        return StartTimeoutError(
            f"{late}: it runs, but YARN does not show its address to JupyterHub. Ask an "
            "administrator to add JupyterHub's name in YARN to c.YarnSpawner.viewers."
        )
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
