"""The application master: starts the server, tells YARN where it is, and in the end why it ended.

- The server is started first, and does not wait for what the rest of us is made of.
- It binds the server's port before the server starts, and keeps it: registration, which is how the
  hub learns the port, comes when the server listens on that very socket. RUNNING means ready.
- The server ends with it: on SIGTERM, when the ResourceManager says so, and when the
  ResourceManager no longer knows the attempt. Both are in one process group, which is what the
  NodeManager kills; what the server has started ends with it too, wherever it is.
- The server's script, where there is one, runs in the container's folder with its private files.
- The server's delegation tokens are replaced before they end, where there is Kerberos.
- When the server ends by itself, the exit code and its last lines of output, free of secrets,
  become the application's diagnostics.

One thread and no pipe: the server writes straight into the container's log files.
"""

from __future__ import annotations

import os

from yarnspawner.container.payload import Launch
from yarnspawner.container.processes import GRACE_SECONDS, Container
from yarnspawner.container.server import NotStartedError, start
from yarnspawner.container.signals import hold_signals


def main(program: str) -> int:
    """Run the application that is in the file `program`; returns the container's exit code."""
    hold_signals()
    os.chmod(program, 0o600)  # noqa: PTH101 - YARN leaves that to the folder's mode
    launch = Launch.read(program)
    try:
        server = start(launch, program)
    except NotStartedError as failure:
        from yarnspawner.container.supervisor import report_failure

        report_failure(launch, program, str(failure))
        return 1
    try:
        # Here, as it is compiled anew in each container: meanwhile the server imports its own.
        from yarnspawner.container.supervisor import supervise

        return supervise(launch, program, server)
    except BaseException:
        # There is nobody else who would end it.
        Container().terminate_from_child(GRACE_SECONDS)
        raise
