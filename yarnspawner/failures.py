"""Why a start failed, in words for the person who waits for their server.

    SpawnError
    ├── OptionsError             options         the requested options are not possible
    ├── QueueError               queue           the queue is unknown, closed or not for this user
    ├── ImpersonationError       impersonation   the hub may not act for this user
    ├── LocalizationError        localization    the node could not fetch the environment
    ├── ApplicationFailedError   application     the server ended before it was ready
    ├── ServerUnreachableError   port            the server is not reachable, or is not ours
    ├── StartTimeoutError        timeout         the server was not ready in time
    ├── HomeMissingError         cluster         the user has no home in HDFS
    ├── AccountMissingError      cluster         the node has no Unix account for the user
    └── ClusterUnavailableError  cluster         YARN or HDFS does not answer

Each has a stable `reason` (a label of JupyterHub's spawn metrics) and a message of one sentence
that says what happened and what to do, followed by the last lines of the server's own output where
there are any. Faults of the cluster have a status of 5xx, so that they count towards the hub's
`consecutive_failure_limit`; what a user may cause does not.
"""

from __future__ import annotations

import html
from typing import ClassVar

from tornado import web

from hadoop_client.hdfs.homes import make_home_command

try:
    from jupyterhub.spawner import SpawnException
except ImportError:  # JupyterHub 5

    class SpawnException(web.HTTPError):  # type: ignore[no-redef]
        """What JupyterHub 6 has, as far as we use it."""

        def __init__(self, message: str, *, reason: str, status_code: int) -> None:
            super().__init__(status_code, message.replace("%", "%%"), reason=reason)


#: Lines are broken to the page's width: the end of one is where the reason stands.
OUTPUT_LOOK = (
    'class="d-block text-start small mt-2" style="white-space: pre-wrap; overflow-wrap: anywhere"'
)


class SpawnError(SpawnException):
    """A start that failed, with its reason and a sentence for the user."""

    stable_reason: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, sentence: str, output: str = "") -> None:
        message = f"{sentence}\n\n{output}" if output else sentence
        super().__init__(message, reason=self.stable_reason, status_code=self.status)
        self.sentence = sentence
        self.output = output
        # The pages of JupyterHub show these two and nothing else of an exception.
        self.jupyterhub_message = message
        # They put it into a paragraph of theirs, which a block would end.
        self.jupyterhub_html_message = html.escape(sentence)
        if output:
            self.jupyterhub_html_message += f"<samp {OUTPUT_LOOK}>{html.escape(output)}</samp>"

    def __str__(self) -> str:
        return self.jupyterhub_message


class OptionsError(SpawnError):
    """What was asked for can't be had."""

    stable_reason = "options"


class QueueError(SpawnError):
    """The queue is unknown, closed, or not for this user."""

    stable_reason = "queue"


class ImpersonationError(SpawnError):
    """Hadoop does not let the hub act for this user."""

    stable_reason = "impersonation"
    status = 403


class LocalizationError(SpawnError):
    """The node could not fetch or unpack what the server needs."""

    stable_reason = "localization"


class ApplicationFailedError(SpawnError):
    """The server, or its application, ended before it was ready."""

    stable_reason = "application"


class ServerUnreachableError(SpawnError):
    """The server is not where its application says, or the hub can't reach it."""

    stable_reason = "port"


class StartTimeoutError(SpawnError):
    """The server was not ready in time."""

    stable_reason = "timeout"


class HomeMissingError(SpawnError):
    """The user has no home in HDFS, and the hub may not make one."""

    stable_reason = "cluster"

    @classmethod
    def of(cls, user: str, path: str, mode: int) -> HomeMissingError:
        """Say what an administrator has to run."""
        return cls(
            f"{user} has no home in HDFS, where notebooks are kept. An administrator has to make "
            f"it: {make_home_command(user, path, mode)}"
        )


class AccountMissingError(SpawnError):
    """The node has no Unix account that YARN could run the user's containers by."""

    stable_reason = "cluster"


class ClusterUnavailableError(SpawnError):
    """YARN or HDFS does not answer."""

    stable_reason = "cluster"
    status = 503

    @classmethod
    def for_now(cls, sentence: str) -> ClusterUnavailableError:
        """Say what does not answer, and what to do about it."""
        return cls(f"{sentence} Try again in a minute; if it stays so, tell an administrator.")
