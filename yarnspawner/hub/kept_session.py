"""What a server keeps in HDFS between two starts, and is deleted with the server or its user.

The directory is the value of `SessionState.directory_template` on the server's command line. The
hub does not see other configuration of a server. Only the default directory contains nothing but
sessions, so only that is deleted as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hdfs_contents.session.store import DIRECTORY, archive_path, session_directory
from yarnspawner.launch.arguments import option_value

TEMPLATE = "SessionState.directory_template"


@dataclass(frozen=True)
class KeptSession:
    """A path in HDFS: one archive or, if `is_directory`, the default directory with all of them."""

    path: str
    is_directory: bool = False


def kept_session(arguments: Sequence[str], home: str, user: str, server: str) -> KeptSession:
    """Return what belongs to a server of a user with these arguments; "" is the default server.

    JupyterHub deletes a default server only with its user. Raises ValueError if the arguments or
    the user's name do not give a directory.
    """
    template = option_value(arguments, TEMPLATE) or DIRECTORY
    directory = session_directory(template, home, user)
    if template == DIRECTORY and not server:
        return KeptSession(directory, is_directory=True)
    return KeptSession(archive_path(directory, server))
