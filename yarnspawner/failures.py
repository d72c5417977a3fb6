"""The errors of a failed start, with messages for the user who waits for the server.

    SpawnError
    ├── OptionsError             options         the requested options are not possible
    ├── QueueError               queue           the queue is unknown, closed or not for this user
    ├── ImpersonationError       impersonation   the hub may not act for this user
    ├── ForeignApplicationError  foreign         another user has taken the application id
    ├── LocalizationError        localization    the node could not fetch the environment
    ├── ApplicationFailedError   application     the server ended before it was ready
    ├── ServerUnreachableError   port            the server is not reachable, or is not ours
    │   └── WrongCertificateError  port        another server answers, with internal_ssl
    ├── StartTimeoutError        timeout         the server was not ready in time
    ├── HomeMissingError         cluster         the user has no home directory in HDFS
    ├── AccountMissingError      cluster         the node has no Unix account for the user
    └── ClusterUnavailableError  cluster         YARN or HDFS does not answer

Each has a stable `reason` (a label of JupyterHub's spawn metrics) and a message: what happened and
what to do, followed by the last lines of the server's own output, if any. Faults of the cluster
have a status of 5xx, so that they count towards the hub's `consecutive_failure_limit`; failures
that a user can cause do not.
"""

from __future__ import annotations

import html
import textwrap
from typing import ClassVar

from tornado import web

from hadoop_client.hdfs.homes import make_home_command
from hadoop_client.printable import LINES, printable

try:
    from jupyterhub.spawner import SpawnException
except ImportError:  # JupyterHub 5

    class SpawnException(web.HTTPError):  # type: ignore[no-redef]
        """JupyterHub 6's exception, as far as we use it."""

        def __init__(self, message: str, *, reason: str, status_code: int) -> None:
            super().__init__(status_code, message.replace("%", "%%"), reason=reason)


#: Long lines are wrapped rather than cut off, because the reason often stands at the end of one.
OUTPUT_LOOK = (
    'class="d-block text-start small mt-2" style="white-space: pre-wrap; overflow-wrap: anywhere"'
)


#: The longest output that a page shows, in characters; escapes come on top.
MAX_OUTPUT = 4096


class SpawnError(SpawnException):
    """A failed start. `sentence` is the message for the user, `output` the server's own output.

    The output is indented in the text of the error, so that it cannot forge lines of the hub's log.
    """

    stable_reason: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, sentence: str, output: str = "") -> None:
        sentence = printable(sentence)
        # The end of the output says why. It is cut again, because escapes are longer.
        output = printable(output[-MAX_OUTPUT:], keep=LINES, limit=None)[-MAX_OUTPUT:]
        message = f"{sentence}\n\n{textwrap.indent(output, '    ')}" if output else sentence
        super().__init__(message, reason=self.stable_reason, status_code=self.status)
        self.sentence = sentence
        self.output = output
        # JupyterHub's pages show these two attributes of an exception and nothing else.
        self.jupyterhub_message = message
        # The pages put the HTML into a <p>, which a block element such as <pre> would end.
        self.jupyterhub_html_message = html.escape(sentence)
        if output:
            self.jupyterhub_html_message += f"<samp {OUTPUT_LOOK}>{html.escape(output)}</samp>"

    def __str__(self) -> str:
        return self.jupyterhub_message


class OptionsError(SpawnError):
    """The requested options, or the configured ones, are not possible."""

    stable_reason = "options"


class QueueError(SpawnError):
    """The queue is unknown, closed, or not for this user."""

    stable_reason = "queue"


class ImpersonationError(SpawnError):
    """Hadoop does not let the hub act for this user."""

    stable_reason = "impersonation"
    status = 403


class ForeignApplicationError(SpawnError):
    """The application that has the server's id is another user's.

    YARN gives ids out in sequence, and any user may submit under the next ones.
    """

    stable_reason = "foreign"

    @classmethod
    def of(cls, application_id: str, owner: str) -> ForeignApplicationError:
        """Name the application and its owner, whom an administrator has to ask."""
        return cls(
            f"The user {owner} submitted an application under the id that YARN had given to this "
            f"server ({application_id}). Ask an administrator to look at what {owner} submits."
        )


class LocalizationError(SpawnError):
    """The node could not fetch or unpack the server's files."""

    stable_reason = "localization"


class ApplicationFailedError(SpawnError):
    """The server, or its application, ended before it was ready."""

    stable_reason = "application"


class ServerUnreachableError(SpawnError):
    """The hub cannot reach the server, or another server answers at its address."""

    stable_reason = "port"


class WrongCertificateError(ServerUnreachableError):
    """A server with another certificate answers at the server's address."""


class StartTimeoutError(SpawnError):
    """The server was not ready in time."""

    stable_reason = "timeout"


class HomeMissingError(SpawnError):
    """The user has no home directory in HDFS, and the hub may not create one."""

    stable_reason = "cluster"

    @classmethod
    def of(cls, user: str, path: str, mode: int) -> HomeMissingError:
        """Make the error with the command that creates the directory."""
        if "\\" in user:
            return cls(
                f"{user} has no home directory in HDFS. `hdfs dfs` cannot create one for a name "
                "with a backslash. Ask an administrator to map the name to the user's account in "
                "Hadoop (c.YarnSpawner.hadoop_name_hook)."
            )
        return cls(
            f"{user} has no home directory in HDFS. Ask an administrator to create it: "
            f"{make_home_command(user, path, mode)}"
        )


class AccountMissingError(SpawnError):
    """The node has no Unix account as which YARN could run the user's containers."""

    stable_reason = "cluster"


class ClusterUnavailableError(SpawnError):
    """YARN or HDFS does not answer."""

    stable_reason = "cluster"
    status = 503

    @classmethod
    def for_now(cls, sentence: str) -> ClusterUnavailableError:
        """Make the error of a failure that may pass: the user is asked to try again."""
        return cls(
            f"{sentence} Try again in a minute. If the problem persists, contact an administrator."
        )
