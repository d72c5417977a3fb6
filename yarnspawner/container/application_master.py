"""The application master: starts the server, registers it with YARN, and reports why it ended.

- The server starts first, before the application master imports its other modules.
- The application master binds the server's port before the server starts, and keeps it bound. It
  registers, and so reports the port to the hub, when the server listens on that socket: RUNNING
  means ready.
- The server ends with the application master: on SIGTERM, at the ResourceManager's command, and
  when the ResourceManager no longer knows the attempt. Both are in the process group that the
  NodeManager kills. The server's own child processes are ended too, whatever session they are in.
- The server's script, if there is one, runs in the container's directory with its private files.
- With Kerberos, the server's delegation tokens are replaced before they expire.
- When the server ends first, its exit code and its last lines of output, with secrets removed,
  become the application's diagnostics.

There is one thread and no pipe: the server writes directly into the container's log files.
"""

from __future__ import annotations

import os

from yarnspawner.container.payload import Launch
from yarnspawner.container.processes import GRACE_SECONDS, ContainerProcesses
from yarnspawner.container.server import NotStartedError, start
from yarnspawner.container.signals import hold_signals


def main(program: str) -> int:
    """Run the application in the file `program`; returns the container's exit code."""
    hold_signals()
    # YARN protects the file by its directory's mode only.
    os.chmod(program, 0o600)  # noqa: PTH101
    launch = Launch.read(program)
    try:
        server = start(launch, program)
    except NotStartedError as failure:
        from yarnspawner.container.supervisor import report_failure

        report_failure(launch, program, str(failure))
        return 1
    try:
        # Imported here because each container compiles it: the server's own imports run meanwhile.
        from yarnspawner.container.supervisor import supervise

        return supervise(launch, program, server)
    except BaseException:
        # No other process would end the server.
        ContainerProcesses().terminate_from_child(GRACE_SECONDS)
        raise
