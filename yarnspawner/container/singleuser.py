"""The server's process: gives the server the socket that the application master holds, and runs it.

The port was chosen and bound before the server started and is never let go, so no other process
on the node can take it in between: tornado's `bind_sockets`, the one function through which
Jupyter servers open their port, returns the held socket when it is asked for that port. The socket
listens when the server begins to serve, and not before: that is when it is ready.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import shutil
import socket
import sys
from collections.abc import Iterable
from typing import Any

SOCKET_VARIABLE = "YARNHUB_SOCKET"
"""Names the file descriptor of the held socket in the child's environment."""

CONTENTS_OPTION = "--ServerApp.contents_manager_class="


def main(command: list[str]) -> int:
    """Run `command`, a console script of this environment, in this process."""
    _leave_payload()
    try:
        script = find_script(command[0], os.environ.get("PATH", os.defpath))
        check_contents_manager(command)
        hand_over(socket.socket(fileno=int(os.environ.pop(SOCKET_VARIABLE))))
    except CannotStart as error:
        print(error, file=sys.stderr)  # noqa: T201 - the container's log is our console
        return 1
    sys.argv = [script, *command[1:]]
    runpy.run_path(script, run_name="__main__")
    return 0


class CannotStart(Exception):
    """The environment lacks something: one sentence that says what, and what to do."""


def find_script(name: str, path: str) -> str:
    """Find the console script `name` on `path`."""
    script = shutil.which(name, path=path)
    if script is None:
        raise CannotStart(
            f"The server's Python environment has no {name}: install jupyterlab and jupyterhub in "
            "it and publish it again with yarnhub pack-env, or set c.YarnSpawner.cmd."
        )
    with open(script, "rb") as file:  # noqa: PTH123 - pathlib costs 2 MB here
        head = file.read(512)
    # Long paths make installers write a shell line first that starts Python on the same file.
    if not (head.startswith(b"#!") and b"python" in head):
        raise CannotStart(
            f"The command {script} is not a Python script, and only those can be given the port "
            "that is reserved for the server: set c.YarnSpawner.cmd to one."
        )
    return script


def check_contents_manager(command: list[str]) -> None:
    """Refuse to start a server that would have nowhere to keep notebooks."""
    for argument in command:
        if argument.startswith(CONTENTS_OPTION):
            package = argument[len(CONTENTS_OPTION) :].partition(".")[0]
            if importlib.util.find_spec(package) is None:
                raise CannotStart(
                    f"The server's Python environment has no {package}, so notebooks could not be "
                    "kept in HDFS: install yarnhub[notebook] in it and publish it again with "
                    "yarnhub pack-env, or set c.YarnSpawner.contents_manager = '' to keep them on "
                    "the node's disk only."
                )


def hand_over(held: socket.socket) -> None:
    """Let every tornado server of this process that asks for the held port have its socket.

    Must come before jupyter_server is imported, which takes `bind_sockets` by name.
    """
    try:
        import tornado.netutil
        import tornado.tcpserver
    except ImportError:
        raise CannotStart(
            "The server's Python environment has no tornado: install jupyterhub and jupyterlab in "
            "it, and publish it again with yarnhub pack-env."
        ) from None
    held_port = held.getsockname()[1]
    bind = tornado.netutil.bind_sockets
    add = tornado.tcpserver.TCPServer.add_sockets

    def bind_sockets(port: int, *args: Any, **kwargs: Any) -> list[socket.socket]:
        if port != held_port:
            return bind(port, *args, **kwargs)
        sock = held.dup()
        sock.setblocking(False)
        return [sock]

    def add_sockets(server: Any, sockets: Iterable[socket.socket]) -> None:
        # Not before: a server may open its port to see whether it is free, and then think better.
        sockets = list(sockets)
        for sock in sockets:
            sock.listen(128)
        add(server, sockets)

    tornado.tcpserver.TCPServer.add_sockets = add_sockets  # type: ignore[assignment, method-assign]
    tornado.netutil.bind_sockets = bind_sockets
    tornado.tcpserver.bind_sockets = bind_sockets  # type: ignore[attr-defined]


def _leave_payload() -> None:
    """Forget the payload: the server shall import what its environment has, and nothing of ours."""
    sys.path.pop(0)
    for name in [name for name in sys.modules if name.partition(".")[0] == "yarnspawner"]:
        if name != __name__:
            del sys.modules[name]
