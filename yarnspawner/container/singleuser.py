"""The server's process: gives the server the socket that the application master holds, and runs it.

The port was chosen and bound before the server started and is never let go, so no other process
on the node can take it in between: tornado's `bind_sockets`, the one function through which
Jupyter servers open their port, returns the held socket when it is asked for that port. The socket
listens when the server begins to serve, and not before: that is when it is ready.

A program that is no Python script can't be given a socket in this way. For it the port is let go
just before it starts, and it finds the number in JUPYTERHUB_SERVICE_URL. Another process could take
the port in that moment: the hub then notices that a stranger answers, and the start fails.
"""

from __future__ import annotations

import errno
import gc
import importlib.util
import os
import runpy
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from yarnspawner.container.payload import (
    MASTER_VARIABLE,
    PROGRAM_VARIABLE,
    PYTHON_VARIABLE,
    RELEASE_SIGNAL,
    SOCKET_VARIABLE,
)

RELEASE_SECONDS = 10.0

#: How many new objects make Python look for garbage while the server starts. Its modules are half a
#: million, and next to none is garbage: after 700 each, as usual, that is a seventh of the start.
STARTING_THRESHOLD = 50_000

CONTENTS_OPTION = "--ServerApp.contents_manager_class="
SESSION_OPTION = "--SessionState.enabled=True"


def main(command: list[str]) -> int:
    """Run `command`, a program of this environment, in this process and in its home folder."""
    _leave_payload()
    held = socket.socket(fileno=int(os.environ.pop(SOCKET_VARIABLE)))
    master = int(os.environ.pop(MASTER_VARIABLE))
    os.environ.pop(PYTHON_VARIABLE, None)
    os.environ.pop(PROGRAM_VARIABLE, None)
    os.chdir(os.environ["HOME"])
    try:
        script = find_script(command[0], os.environ.get("PATH", os.defpath))
        check_contents_manager(command)
        if not is_python_script(script):
            release(held, master)
            os.execv(script, [script, *command[1:]])
        patch_tornado_to_use(held, relax_gc())
    except PreparationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the container's log is our console
        return 1
    except OSError as error:
        print(f"{command[0]} can't be started: {error}", file=sys.stderr)  # noqa: T201
        return 1
    sys.argv = [script, *command[1:]]
    runpy.run_path(script, run_name="__main__")
    return 0


class PreparationError(Exception):
    """The environment lacks something: one sentence that says what, and what to do."""


def find_script(name: str, path: str) -> str:
    """Find the program `name` on `path`."""
    script = shutil.which(name, path=path)
    if script is None:
        raise PreparationError(
            f"The server's Python environment has no {name}: install jupyterlab and jupyterhub in "
            "it and publish it again with yarnhub pack-env, or set c.YarnSpawner.cmd."
        )
    return script


def is_python_script(script: str) -> bool:
    """Tell whether Python is to run the file. Long paths make installers write a shell line first
    that starts Python on the same file."""
    with open(script, "rb") as file:  # noqa: PTH123 - pathlib costs 2 MB here
        shebang, _, second = file.read(512).partition(b"\n")
    if second.startswith(b"'''exec"):
        shebang += second
    return shebang.startswith(b"#!") and b"python" in shebang


def release(held: socket.socket, master: int) -> None:
    """Let go of the port in both processes, so that another program can bind it."""
    address = held.getsockname()
    family = held.family
    held.close()
    os.kill(master, RELEASE_SIGNAL)
    deadline = time.monotonic() + RELEASE_SECONDS
    while True:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.bind(address)
                return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def check_contents_manager(command: list[str]) -> None:
    """Refuse to start a server that would have nowhere to keep notebooks."""
    for argument in command:
        if argument.startswith(CONTENTS_OPTION):
            package = argument[len(CONTENTS_OPTION) :].partition(".")[0]
            if importlib.util.find_spec(package) is None:
                raise PreparationError(
                    f"The server's Python environment has no {package}, so notebooks could not be "
                    "kept in HDFS: install yarnhub[notebook] in it and publish it again with "
                    "yarnhub pack-env, or set c.YarnSpawner.contents_manager = '' to keep them on "
                    "the node's disk only."
                )


def relax_gc() -> Callable[[], None]:
    """Let Python look for garbage less often until what is returned is called.

    Less often, and not never: a program may serve without tornado, and is not known to listen.
    """
    usual = gc.get_threshold()
    gc.set_threshold(STARTING_THRESHOLD)

    def as_usual() -> None:
        if gc.get_threshold()[0] == STARTING_THRESHOLD:  # else the server has chosen for itself
            gc.set_threshold(*usual)

    return as_usual


def patch_tornado_to_use(held: socket.socket, on_listen: Callable[[], None]) -> None:
    """Let every tornado server of this process that asks for the held port have its socket.

    Must come before jupyter_server is imported, which takes `bind_sockets` by name.
    """
    try:
        import tornado.netutil
        import tornado.tcpserver
    except ImportError:
        raise PreparationError(
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
        on_listen()
        add(server, sockets)

    tornado.tcpserver.TCPServer.add_sockets = add_sockets  # type: ignore[assignment, method-assign]
    tornado.netutil.bind_sockets = bind_sockets
    tornado.tcpserver.bind_sockets = bind_sockets  # type: ignore[attr-defined]


def _leave_payload() -> None:
    """Forget the payload: the server shall import what its environment has, and nothing of ours."""
    sys.path.pop(0)
    ours = [
        name for name in sys.modules if name.partition(".")[0] in ("hadoop_client", "yarnspawner")
    ]
    for name in ours:
        if name != __name__:
            del sys.modules[name]
