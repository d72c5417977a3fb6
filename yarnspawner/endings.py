"""Why a server has ended: what the hub keeps of the last end, for its user and administrators.

An end is kept in the server's state until its next good start. Its sentence contains no cause that
YARN or the hub did not report.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from hadoop_client.printable import LINES, printable
from hadoop_client.yarn.applicationmaster import FinalStatus
from yarnspawner.failures import MAX_OUTPUT
from yarnspawner.report_text import OUTPUT_MARK, container_output, diagnostics_of, one_line

if TYPE_CHECKING:
    from hadoop_client.yarn.reports import ApplicationReport

#: Why a server has ended, for programs. "stopped" is the only one that its user asked for, besides
#: "shutdown" from within the server.
Reason: TypeAlias = Literal[
    "memory",
    "virtual-memory",
    "preempted",
    "lifetime",
    "recovery",
    "node-lost",
    "killed",
    "exited",
    "shutdown",
    "forgotten",
    "unknown",
    "stopped",
    "stopped-by-other",
    "stopped-by-service",
    "stopped-by-hub",
    "start-failed",
]

#: Ends that may come at any time, whether the server was ready or not.
ENDED_BY_YARN: tuple[tuple[Reason, re.Pattern[str], str], ...] = (
    (
        "memory",
        re.compile(r"beyond (the 'PHYSICAL'|physical) memory limit"),
        "The server used more memory than its container has{used}, so YARN ended it. Start it "
        "again with more memory.",
    ),
    (
        "virtual-memory",
        re.compile(r"beyond (the 'VIRTUAL'|virtual) memory limit"),
        "The server reserved more virtual memory than its container may, so YARN ended it. Ask an "
        "administrator to set yarn.nodemanager.vmem-check-enabled = false on the nodes, or to "
        "raise yarn.nodemanager.vmem-pmem-ratio.",
    ),
    (
        "preempted",
        re.compile(r"preempted by scheduler|exitCode: -102"),
        "YARN preempted the server's container for another queue. Start the server again, or ask "
        "an administrator for a queue without preemption.",
    ),
    (
        "lifetime",
        re.compile(r"has exceeded the lifetime period"),
        "The server reached its maximum lifetime, so YARN ended it. Start it again.",
    ),
    (
        "recovery",
        re.compile(r"Application killed on recovery"),
        "The ResourceManager was restarted and no longer has the server's queue, so it ended the "
        "server. Choose another queue, or ask an administrator to restore this one.",
    ),
    (
        "node-lost",
        re.compile(r"\*lost\* node"),
        "YARN lost the server's node. Start the server again: it gets another node.",
    ),
)

#: YARN's amounts in the diagnostics of a container that used too much memory. Its units are binary.
MEMORY_USE = re.compile(
    r"Current usage: ([\d.]{1,20}) ?([KMGT]?)B of ([\d.]{1,20}) ?([KMGT]?)B physical memory used"
)

#: The user who ended an application in YARN, and their message.
KILLED = re.compile(
    r"killed by user (?P<user>[^\s]{1,256})(?: at \S{1,256})?"
    r"(?: with diagnostic message: (?P<message>[^\n]{1,1024}))?"
)


@dataclass(frozen=True)
class End:
    """The end of a server: a sentence for its user, and the server's last output if YARN has any.

    `ended_ms` is milliseconds since 1970, 0 if it is not known yet. `application_id` is empty if
    nothing was submitted.
    """

    reason: Reason
    sentence: str
    output: str = ""
    ended_ms: int = 0
    application_id: str = ""

    @property
    def is_expected(self) -> bool:
        """Whether the server's user ended it."""
        return self.reason in ("stopped", "shutdown")

    @property
    def line(self) -> str:
        """The end in one line for a log."""
        return printable(" ".join([self.sentence, *self.output.split()]))

    def to_state(self) -> dict[str, object]:
        """Return the end as the hub's database and its REST API have it."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: object) -> End | None:
        """Return the end of a server's state; None if it has none that this release reads."""
        try:
            return cls(**state) if isinstance(state, dict) else None
        except TypeError:
            return None


@dataclass(frozen=True)
class Requester:
    """A user or service that asked the hub to stop a server."""

    name: str
    is_service: bool = False


def end_of(report: ApplicationReport | None) -> End:
    """Return the end of a server that had been ready, from its application's last report."""
    if report is None:
        return End("forgotten", "YARN no longer knows the server's application.")
    diagnostics = diagnostics_of(report)
    reason, sentence, output = _own_end(report, diagnostics)
    return End(
        reason,
        sentence,
        printable(output[-MAX_OUTPUT:], keep=LINES, limit=None)[-MAX_OUTPUT:],
        report.finish_time,
    )


def _own_end(report: ApplicationReport, diagnostics: str) -> tuple[Reason, str, str]:
    if report.final_status is FinalStatus.SUCCEEDED:
        return "shutdown", "The server was shut down from within, for example in JupyterLab.", ""
    if OUTPUT_MARK in diagnostics:
        sentence, _, output = diagnostics[diagnostics.index(OUTPUT_MARK) :].partition("\n")
        return "exited", one_line(sentence), output.strip()
    ended = ended_by_yarn(report)
    if ended is not None:
        return ended.reason, ended.sentence, ""
    output = container_output(diagnostics)
    return "unknown", f"YARN ended the server ({report.state.name}).", output


def ended_by_yarn(report: ApplicationReport) -> End | None:
    """Return the end of an application that YARN ended; None if its diagnostics name no cause."""
    diagnostics = diagnostics_of(report)
    for reason, pattern, sentence in ENDED_BY_YARN:
        if pattern.search(diagnostics):
            return End(reason, sentence.format(used=_memory_use(diagnostics)))
    killed = KILLED.search(diagnostics)
    if killed is None:
        return None
    user, message = printable(killed["user"]), printable(killed["message"] or "")
    # A program that acts for the server's user may give the reason in its message.
    if message:
        return End("killed", one_line(f"The server was stopped in YARN: {message}"))
    return End("killed", f"The user {user} stopped the server in YARN.")


def _memory_use(diagnostics: str) -> str:
    found = MEMORY_USE.search(diagnostics)
    if found is None:
        return ""
    used, used_unit, granted, granted_unit = found.groups()
    return f" ({used} {_binary(used_unit)} of {granted} {_binary(granted_unit)})"


def _binary(prefix: str) -> str:
    return f"{prefix}iB" if prefix else "bytes"


def stopped_in_hub(owner: str, requester: Requester | None) -> End:
    """Return the end of a server that the hub stopped; `requester` is None if it did so itself."""
    reason: Reason
    if requester is None:
        reason, sentence = "stopped-by-hub", "JupyterHub stopped the server."
    elif requester.is_service:
        reason = "stopped-by-service"
        sentence = f"The service {requester.name} of JupyterHub stopped the server."
        if "cull" in requester.name:
            sentence += " It stops servers that have been idle for some time."
    elif requester.name == owner:
        reason, sentence = "stopped", "The server was stopped by its user."
    else:
        reason = "stopped-by-other"
        sentence = f"The user {requester.name} stopped the server in JupyterHub."
    return End(reason, printable(sentence))
