from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from yarnspawner.container.server import HeldPort, bind
from yarnspawner.container.singleuser import (
    PreparationError,
    check_contents_manager,
    find_script,
    is_python_script,
    release,
)

SERVE = """
import socket, sys
from yarnspawner.container.singleuser import patch_tornado_to_use
patch_tornado_to_use(socket.socket(fileno=int(sys.argv[1])), lambda: None)
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application
port = int(sys.argv[2])
for sock in bind_sockets(port, "127.0.0.1"):  # as jupyter_server does to try the port
    sock.close()
HTTPServer(Application()).listen(port, "127.0.0.1")
HTTPServer(Application()).listen(0, "127.0.0.1")
IOLoop.current().start()
"""


TELLS_WHEN_IT_COLLECTS = """#!/usr/bin/env python3
import gc, os
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application
told = [gc.get_threshold()]
async def main():
    HTTPServer(Application()).listen(int(os.environ["PORT"]), "127.0.0.1")
    told.append(gc.get_threshold())
IOLoop.current().run_sync(main)
print(told, gc.isenabled())
"""


SERVES_LONG = """
import os, time
from yarnspawner.container.singleuser import end_with
end_with(os.getppid())
print("ready", flush=True)
time.sleep(300)
print("outlived it", flush=True)
"""


def script(folder: Path, text: str) -> str:
    path = folder / "jupyter-thing"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_a_tornado_server_answers_on_the_socket_that_is_held():
    with bind("127.0.0.1", None) as held:
        port = held.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(held.fileno()), str(port)],
            pass_fds=[held.fileno()],
            cwd=Path(__file__).parents[3],
        )
        try:
            # Nobody listens yet, so connections are refused until the server does.
            while server.poll() is None:
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                        assert client.recv(12) == b"HTTP/1.1 404"
                        break
                except ConnectionRefusedError:
                    continue
            assert server.poll() is None, "the server ended"
        finally:
            server.kill()
            server.wait()


@pytest.mark.parametrize(
    "text",
    [
        "#!/opt/env/bin/python3.11\n",
        "#!/usr/bin/env python3\n",
        "#!/bin/sh\n'''exec' \"/long/bin/python\" \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_a_console_script_is_known_however_it_names_python(tmp_path, text):
    path = script(tmp_path, text)
    assert find_script("jupyter-thing", str(tmp_path)) == path
    assert is_python_script(path)


@pytest.mark.parametrize(
    "text", ["#!/bin/bash\nexec jupyter-labhub --config python\n", "\x7fELF python", ""]
)
def test_any_other_program_is_known_as_such(tmp_path, text):
    assert not is_python_script(script(tmp_path, text))


@contextmanager
def master_with(held: HeldPort) -> Iterator[int]:
    """A process that closes its copies of the sockets when it is asked to; yields its id."""
    waits = (
        "import signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
        "print('ready', flush=True)\n"
        "signal.sigwait([signal.SIGUSR1])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", waits], pass_fds=held.descriptors, stdout=subprocess.PIPE
    ) as master:
        assert master.stdout is not None
        assert master.stdout.readline() == b"ready\n"
        yield master.pid


def inherited(held: HeldPort) -> list[socket.socket]:
    """The sockets of a port as the server's process gets them; `held` is closed."""
    sockets = [socket.socket(fileno=os.dup(number)) for number in held.descriptors]
    held.close()
    return sockets


#: As a program binds its port: to all IPv4 addresses, or to those of both families.
ADDRESSES = [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]


@pytest.mark.parametrize(("family", "ip"), ADDRESSES)
def test_a_port_that_is_let_go_can_be_bound_by_a_program(
    monkeypatch: pytest.MonkeyPatch, family: socket.AddressFamily, ip: str
):
    held = bind("0.0.0.0", None)
    port = held.getsockname()[1]
    with master_with(held) as master:
        monkeypatch.setattr(os, "getppid", lambda: master)
        release(inherited(held), master)
        with socket.socket(family) as program:
            program.bind((ip, port))


@pytest.mark.parametrize(("family", "ip"), ADDRESSES)
def test_a_program_can_bind_the_port_though_the_shell_of_a_script_has_the_socket(
    family: socket.AddressFamily, ip: str
):
    held = bind("0.0.0.0", None)
    port = held.getsockname()[1]
    shells = [os.dup(number) for number in held.descriptors]
    with master_with(held) as master:
        release(inherited(held), master)
    with socket.socket(family) as program:
        program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        program.bind((ip, port))
        program.listen()
    for number in shells:
        os.close(number)


def test_a_server_ends_with_an_application_master_that_is_killed():
    start = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    master = subprocess.Popen(
        [sys.executable, "-c", start, SERVES_LONG],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert master.stdout.readline() == b"ready\n"
    master.kill()
    assert master.communicate()[0] == b""  # at the end of the last process that has the pipe


def test_a_server_ends_if_its_application_master_was_killed_before():
    over = subprocess.Popen(["true"])
    over.wait()
    server = f"from yarnspawner.container.singleuser import end_with\nend_with({over.pid})"
    run = subprocess.run([sys.executable, "-c", server], cwd=Path(__file__).parents[3])
    assert run.returncode == -signal.SIGTERM


def test_a_missing_command_is_told_with_what_to_install(tmp_path):
    with pytest.raises(PreparationError, match="Install jupyterlab"):
        find_script("jupyter-labhub", str(tmp_path))


def test_a_server_without_a_place_for_notebooks_does_not_start():
    with pytest.raises(PreparationError, match=r"Install yarnhub\[notebook\]"):
        check_contents_manager(["lab", "--ServerApp.contents_manager_class=no_such_package.It"])
    check_contents_manager(["lab", "--ServerApp.contents_manager_class=hdfs_contents.It"])
    check_contents_manager(["lab"])


def test_the_payload_reports_a_missing_command_without_a_traceback(tmp_path):
    from yarnspawner.container.payload import Launch
    from yarnspawner.launch.program import build_payload

    payload = tmp_path / "payload"
    payload.write_bytes(build_payload(Launch(["x"], {}, [])))
    with bind("127.0.0.1", None) as held:
        ours = {
            "YARNHUB_SOCKET": " ".join(map(str, held.descriptors)),
            "YARNHUB_MASTER": str(os.getpid()),
            "HOME": str(tmp_path),
        }
        run = subprocess.run(
            [sys.executable, str(payload), "singleuser", "no-such-command"],
            capture_output=True,
            text=True,
            check=False,
            pass_fds=held.descriptors,
            env={**os.environ, **ours},
        )
    assert run.returncode == 1
    assert "environment has no no-such-command" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("own", ["", "gc.set_threshold(9)\n"])
def test_garbage_is_looked_for_as_usual_from_when_the_server_listens(tmp_path, own):
    from yarnspawner.container.payload import Launch
    from yarnspawner.launch.program import build_payload

    payload = tmp_path / "payload"
    payload.write_bytes(build_payload(Launch(["x"], {}, [])))
    script(tmp_path, TELLS_WHEN_IT_COLLECTS.replace("told =", f"{own}told ="))
    with bind("127.0.0.1", None) as held:
        ours = {
            "YARNHUB_SOCKET": " ".join(map(str, held.descriptors)),
            "YARNHUB_MASTER": str(os.getpid()),
            "HOME": str(tmp_path),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PORT": str(held.getsockname()[1]),
        }
        said = subprocess.check_output(
            [sys.executable, str(payload), "singleuser", "jupyter-thing"],
            text=True,
            pass_fds=held.descriptors,
            env={**os.environ, **ours},
        )
    starting = (9, *gc.get_threshold()[1:]) if own else (50_000, *gc.get_threshold()[1:])
    serving = starting if own else gc.get_threshold()
    assert said == f"{[starting, serving]} True\n"
