from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from yarnspawner.container.application_master import bind
from yarnspawner.container.singleuser import CannotStart, check_contents_manager, find_script

SERVE = """
import socket, sys
from yarnspawner.container.singleuser import hand_over
hand_over(socket.socket(fileno=int(sys.argv[1])))
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
                    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
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
        "#!/bin/sh\n'''exec' \"/long/bin/python\" \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_a_console_script_is_found_however_it_names_python(tmp_path, text):
    path = script(tmp_path, text)
    assert find_script("jupyter-thing", str(tmp_path)) == path


def test_what_is_no_python_script_is_refused_with_a_sentence(tmp_path):
    script(tmp_path, "#!/bin/bash\nexec jupyter-labhub\n")
    with pytest.raises(CannotStart, match="not a Python script"):
        find_script("jupyter-thing", str(tmp_path))


def test_a_missing_command_is_told_with_what_to_install(tmp_path):
    with pytest.raises(CannotStart, match="install jupyterlab"):
        find_script("jupyter-labhub", str(tmp_path))


def test_a_server_without_a_place_for_notebooks_does_not_start():
    with pytest.raises(CannotStart, match=r"install yarnhub\[notebook\]"):
        check_contents_manager(["lab", "--ServerApp.contents_manager_class=no_such_package.It"])
    check_contents_manager(["lab", "--ServerApp.contents_manager_class=hdfs_contents.It"])
    check_contents_manager(["lab"])


def test_the_payload_reports_a_missing_command_without_a_traceback(tmp_path):
    from yarnspawner.container.payload import Launch
    from yarnspawner.launch import build_payload

    payload = tmp_path / "payload"
    payload.write_bytes(build_payload(Launch(["x"], {}, [])))
    run = subprocess.run(
        [sys.executable, str(payload), "singleuser", "no-such-command"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "YARNHUB_SOCKET": "0"},
    )
    assert run.returncode == 1
    assert "environment has no no-such-command" in run.stderr
    assert "Traceback" not in run.stderr
