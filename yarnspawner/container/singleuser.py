"""The server's process: runs the server on the socket that the application master holds.

Jupyter servers open their port with tornado's `bind_sockets`, which is patched to return the held
socket for that port. The socket listens when the server begins to serve, and not before: that is
when it is ready.

A program other than a Python script cannot be given the socket. For it the port is released just
before it starts, and it finds the number in JUPYTERHUB_SERVICE_URL. If another process takes the
port in that moment, the hub notices that another server answers, and the start fails.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import importlib.util
import logging
import os
import runpy
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from yarnspawner.container.deferred import defer
from yarnspawner.container.lab_settings import skip_node
from yarnspawner.container.mount import NotMountedError, mount_hdfs
from yarnspawner.container.payload import (
    FAST_START_VARIABLE,
    MASTER_VARIABLE,
    PROGRAM_VARIABLE,
    PYTHON_VARIABLE,
    RELEASE_SIGNAL,
    SOCKET_VARIABLE,
)

RELEASE_SECONDS = 10.0

#: The garbage collector's threshold while the server starts. Its modules make half a million
#: objects, of which hardly any is garbage; with the usual 700, collections take a seventh of the
#: start.
STARTING_THRESHOLD = 50_000

_PR_SET_PDEATHSIG = 1

CONTENTS_OPTION = "ServerApp.contents_manager_class"
SESSION_OPTION = "SessionState.enabled"


def main(command: list[str]) -> int:
    """Run `command`, a program of this environment, in this process and in its home directory."""
    _leave_payload()
    sockets = [socket.socket(fileno=int(fd)) for fd in os.environ.pop(SOCKET_VARIABLE).split()]
    master = int(os.environ.pop(MASTER_VARIABLE))
    os.environ.pop(PYTHON_VARIABLE, None)
    os.environ.pop(PROGRAM_VARIABLE, None)
    fast_start = os.environ.pop(FAST_START_VARIABLE, "")
    os.chdir(os.environ["HOME"])
    try:
        mount_hdfs()  # first, because it needs a process with one thread
        end_with(master)
        script = find_script(command[0], os.environ.get("PATH", os.defpath))
        check_contents_manager(command)
        if not is_python_script(script):
            release(sockets, master)
            os.execv(script, [script, *command[1:]])
        patch_tornado_to_use(sockets[0], relax_gc())
        hide_session_ids()
    except (NotMountedError, PreparationError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the container's log is our console
        return 1
    except OSError as error:
        print(f"{command[0]} could not be started: {error}", file=sys.stderr)  # noqa: T201
        return 1
    if fast_start:
        defer()
        skip_node()
    sys.argv = [script, *command[1:]]
    runpy.run_path(script, run_name="__main__")
    return 0


def end_with(master: int) -> None:
    """Let the kernel send us SIGTERM if the application master is killed.

    The NodeManager ends the container's process group then, but not always: it may have deleted the
    group's number already. The setting stays in a program that replaces this one.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        os.kill(master, 0)
    except ProcessLookupError:  # it was killed before that
        os.kill(os.getpid(), signal.SIGTERM)


class PreparationError(Exception):
    """The environment lacks a program or package. The message names it and the remedy."""


def find_script(name: str, path: str) -> str:
    """Find the program `name` on `path`."""
    script = shutil.which(name, path=path)
    if script is None:
        raise PreparationError(
            f"The server's Python environment has no {name}. Install jupyterlab and jupyterhub in "
            "it and publish it again with yarnhub pack-env, or set c.YarnSpawner.cmd."
        )
    return script


def is_python_script(script: str) -> bool:
    """Return whether the file is a Python script.

    If the interpreter's path is too long for a shebang, installers write a shell line that starts
    Python on the same file.
    """
    with open(script, "rb") as file:  # noqa: PTH123 - pathlib costs 2 MB here
        shebang, _, second = file.read(512).partition(b"\n")
    if second.startswith(b"'''exec"):
        shebang += second
    return shebang.startswith(b"#!") and b"python" in shebang


def release(sockets: list[socket.socket], master: int) -> None:
    """Release the port in both processes, so that another program can bind it.

    The shell of a script between the two keeps the socket. The port can then be bound with
    SO_REUSEADDR, which servers set.
    """
    address = sockets[0].getsockname()
    family = sockets[0].family
    shared = os.getppid() != master
    for sock in sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shared)
        sock.close()
    os.kill(master, RELEASE_SIGNAL)
    deadline = time.monotonic() + RELEASE_SECONDS
    while True:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shared)
                probe.bind(address)
                return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def check_contents_manager(command: list[str]) -> None:
    """Refuse to start a server whose environment lacks the contents manager's package."""
    for argument in command:
        option, _, manager = argument.partition("=")
        if option == f"--{CONTENTS_OPTION}":
            package = manager.partition(".")[0]
            if importlib.util.find_spec(package) is None:
                raise PreparationError(
                    f"The server's Python environment has no {package}, which keeps notebooks in "
                    "HDFS. Install yarnhub[notebook] in it and publish it again with yarnhub "
                    "pack-env, or set c.YarnSpawner.contents_manager = '' to keep notebooks on the "
                    "node's disk only."
                )


def relax_gc() -> Callable[[], None]:
    """Collect garbage less often until the returned function is called.

    Collection is not turned off: the function is never called if the program serves without
    tornado.
    """
    usual = gc.get_threshold()
    gc.set_threshold(STARTING_THRESHOLD)

    def restore() -> None:
        if gc.get_threshold()[0] == STARTING_THRESHOLD:  # unless the server has set its own
            gc.set_threshold(*usual)

    return restore


def hide_session_ids() -> None:
    """Keep a line of JupyterHub out of the log that has the id of a user's session in JupyterHub.

    Hubs and servers write it when they set an XSRF cookie. Others may read the log.
    """
    logging.getLogger("tornado.application").addFilter(_has_no_session_id)


def _has_no_session_id(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Setting new xsrf cookie")


def patch_tornado_to_use(held: socket.socket, on_listen: Callable[[], None]) -> None:
    """Make tornado return the held socket to every server in this process that binds its port.

    It must be called before jupyter_server is imported, which imports `bind_sockets` by name.
    `on_listen` is called when a server begins to serve.
    """
    try:
        import tornado.netutil
        import tornado.tcpserver
    except ImportError:
        raise PreparationError(
            "The server's Python environment has no tornado. Install jupyterhub and jupyterlab in "
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

    def add_sockets(server: tornado.tcpserver.TCPServer, sockets: Iterable[socket.socket]) -> None:
        # Not in bind_sockets: a server may bind a port only to see whether it is free.
        sockets = list(sockets)
        for sock in sockets:
            sock.listen(128)
        on_listen()
        add(server, sockets)

    tornado.tcpserver.TCPServer.add_sockets = add_sockets  # type: ignore[assignment, method-assign]
    tornado.netutil.bind_sockets = bind_sockets
    tornado.tcpserver.bind_sockets = bind_sockets  # type: ignore[attr-defined]


def _leave_payload() -> None:
    """Remove the payload from the import path, so that the server imports its environment's
    packages only."""
    sys.path.pop(0)
    modules = [
        name for name in sys.modules if name.partition(".")[0] in ("hadoop_client", "yarnspawner")
    ]
    for name in modules:
        if name != __name__:
            del sys.modules[name]
