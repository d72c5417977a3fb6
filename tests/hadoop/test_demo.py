"""What a newcomer runs first, as they run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop.env_tools import bring_along
from tests.unit.env_packaging.prefixes import make_venv
from yarnhub.minihadoop.ports import held_ports


def free_port() -> int:
    """A port that the demo, which holds it itself, can have if it starts at once."""
    with held_ports(1) as (port,):
        return port


def newcomers_python(tmp_path: Path, extras: str) -> Path:
    """An environment that has these extras and no more."""
    venv = make_venv(Path(sys.base_prefix), tmp_path / "venv")
    bring_along(venv, f"yarnhub[{extras}]")
    return venv / "bin" / "python"


def demo(
    tmp_path: Path, *arguments: str, port: int = 0, python: str | Path = sys.executable
) -> subprocess.Popen[str]:
    where = ("--port", str(port or free_port()))
    return subprocess.Popen(
        [python, "-m", "yarnhub", "demo", "--allow-root", *where, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "100"},
    )


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that mention `folder`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if str(folder) in command:
            found.append(command)
    return found


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("extras", "more"),
    [
        pytest.param("demo", (), id="simple"),
        pytest.param("demo,kerberos", ("--kerberos",), id="kerberos", marks=pytest.mark.heavy),
    ],
)
def test_the_end_to_end_check_passes_and_leaves_nothing(
    tmp_path: Path, extras: str, more: tuple[str, ...], wait_until: Callable[..., Any]
):
    report = tmp_path / "report.json"
    options = ("--check", "--report", str(report), *more)
    process = demo(tmp_path, *options, python=newcomers_python(tmp_path, extras))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "The check passed." in output
    steps = json.loads(report.read_text())
    assert [step for step in steps if step["failure"]] == []
    for person in ("alice", "bob"):
        names = [step["name"] for step in steps if step["person"] == person]
        assert names[0] == "log in with the form"
        assert "run a cell in another environment" in names
        assert "find the notebook again" in names
    wait_until(lambda: not processes_of(tmp_path), 30, "the end of all processes")
    assert list(tmp_path.glob("minihadoop-*")) == []


def test_ctrl_c_half_way_ends_everything(tmp_path: Path, wait_until: Callable[..., Any]):
    process = demo(tmp_path)
    # The first process is their watcher's.
    wait_until(
        lambda: any("-Dproc_" in each for each in processes_of(tmp_path)), 120, "a daemon to start"
    )
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130, output
    assert "Traceback" not in output
    wait_until(lambda: not processes_of(tmp_path), 30, "the end of all processes")


def test_without_gssapi_the_demo_with_kerberos_starts_nothing(tmp_path: Path):
    process = demo(tmp_path, "--kerberos", python=newcomers_python(tmp_path, "demo"))
    output, _ = process.communicate()
    assert process.returncode == 3
    assert output == "gssapi is not installed: pip install 'yarnhub[demo,kerberos]'.\n"


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = demo(tmp_path, port=port)
        output, _ = process.communicate()
    assert process.returncode == 5
    assert output.strip() == f"Port {port} cannot be used (Address already in use): " + (
        "choose another with --port."
    )
